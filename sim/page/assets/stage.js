// The cluster as cards: producers, brokers with their queues, consumers with their threads and caches.
// One group at a time: the queues that it reads, and its members.

const QUEUES = 160;
const MEMBERS = 80;

/** An element with a class and a text. */
function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

const DOWN = { graceful: "shut down", killed: "killed", vanished: "host lost", start_failed: "could not start" };

/** The width of a bar, if it has changed. */
function stretch(bar, share) {
  const text = `scaleX(${Math.min(share, 1).toFixed(3)})`;
  if (bar.style.transform !== text) bar.style.transform = text;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

class Stage {
  constructor(playback, root) {
    this.playback = playback;
    this.root = root;
    this.lanes = Object.fromEntries(["producers", "brokers", "consumers"].map((id) => [id, document.getElementById(id)]));
  }

  /** Shows a group. */
  show(group) {
    const { playback } = this;
    this.group = group;
    const of = playback.groups[group];
    this.slots = playback.slots.map((slot, index) => ({ ...slot, index })).filter((slot) => slot.group === group);
    this.#producers(of);
    this.#brokers(of);
    this.#members(group);
    this.root.classList.toggle("dense", this.queues.size > 28 || this.members.length > 14);
  }

  #producers(of) {
    const { playback, lanes } = this;
    const all = playback.producers.map((producer, id) => ({ ...producer, id })).filter(({ topic }) => of.topics.includes(topic));
    lanes.producers.replaceChildren();
    this.producers = new Map();
    for (const producer of all.slice(0, MEMBERS)) {
      const card = element("div", "card producer");
      const rate = element("div", "sub");
      card.append(element("b", "", producer.name), rate);
      card.title = `${producer.name} sends to ${producer.topic}`;
      lanes.producers.append(card);
      this.producers.set(producer.id, { card, rate });
    }
    this.#more(lanes.producers, all.length, this.producers.size, "producers");
    if (all.length === 0) lanes.producers.append(element("p", "more", "nobody sends to its topics"));
  }

  #brokers(of) {
    const { playback, lanes } = this;
    lanes.brokers.replaceChildren();
    this.brokers = new Map();
    this.queues = new Map();
    const several = of.topics.length > 1;
    const bySlot = Map.groupBy(this.slots, (slot) => slot.queue);
    const wanted = [...bySlot.keys(), ...of.dead].sort((a, b) => a - b);
    const shown = new Set(wanted.slice(0, QUEUES));
    playback.brokers.forEach((broker, id) => {
      const queues = [...shown].filter((queue) => playback.queues[queue]?.broker === id);
      if (queues.length === 0) return;
      const card = element("div", "card broker");
      const state = element("span", "state");
      card.append(element("b", "", broker.name), state);
      for (const queue of queues) card.append(this.#queue(queue, bySlot.get(queue) ?? [], several));
      lanes.brokers.append(card);
      this.brokers.set(id, { card, state });
    });
    this.#more(lanes.brokers, wanted.length, this.queues.size, "queues");
    const highest = Math.max(...this.slots.map((slot) => peak(playback.lag[slot.index])), 0);
    const dead = Math.max(...of.dead.map((queue) => peak(playback.stored[queue])), 0);
    this.scale = Math.max(highest, dead, 10);
  }

  #queue(id, slots, several) {
    const queue = this.playback.queues[id];
    const row = element("div", `queue ${queue.purpose}`);
    const label = { user: several ? `${queue.topic}:${queue.id}` : `queue ${queue.id}`, retry: `retry ${queue.id}`, dead: `DLQ ${queue.id}` };
    const name = element("span", "name", label[queue.purpose]);
    name.dataset.short = queue.purpose === "user" ? `${queue.id}` : queue.purpose === "retry" ? `R${queue.id}` : `D${queue.id}`;
    const bar = element("span", "bar");
    const filled = element("i");
    bar.append(filled);
    const number = element("span", "n");
    row.append(name, bar, number);
    this.queues.set(id, { row, filled, number, slots, queue });
    return row;
  }

  #members(group) {
    const { playback, lanes } = this;
    lanes.consumers.replaceChildren();
    const lives = playback.consumers.map((consumer, id) => ({ ...consumer, id })).filter((consumer) => consumer.group === group);
    const members = [...Map.groupBy(lives, (consumer) => consumer.name).values()];
    this.members = members.slice(0, MEMBERS).map((lives) => {
      const card = element("div", "card consumer");
      card.style.setProperty("--hue", lives[0].colour);
      card.style.setProperty("--dark", lives[0].dark);
      const state = element("span", "state");
      const head = element("div", "head");
      const rows = element("div", "rows");
      const [threads, busy] = this.#meter(rows, "threads");
      const [cache, cached] = this.#meter(rows, "cached");
      const held = element("span", "sub");
      head.append(element("b", "", lives[0].name), held, state);
      card.append(head, rows);
      lanes.consumers.append(card);
      return { lives, card, state, threads, busy, cache, cached, held };
    });
    this.#more(lanes.consumers, members.length, this.members.length, "consumers");
    this.memberOf = new Map(this.members.flatMap((member) => member.lives.map(({ id }) => [id, member])));
    this.cacheScale = Math.max(...lives.map(({ id }) => peak(playback.cached[id])), 10);
  }

  #meter(rows, name) {
    const bar = element("span", "meter");
    const filled = element("i");
    bar.append(filled);
    const number = element("span");
    rows.append(element("span", "", name), bar, number);
    return [filled, number];
  }

  #more(lane, all, shown, what) {
    if (all > shown) lane.append(element("p", "more", `and ${grouped(all - shown)} more ${what}`));
  }

  /** Everything as it is at `t`; what moved within `recent` is marked. */
  update(t, recent) {
    const { playback } = this;
    const row = playback.row(t);
    for (const [id, { rate }] of this.producers) write(rate, `${figure(perSecond(playback, playback.sent[id], row))}/s`);
    for (const [id, { card, state }] of this.brokers) this.#life(playback.brokers[id], t, card, state, "up");
    const held = this.#held(t);
    for (const view of this.queues.values()) this.#updateQueue(view, t, row, recent);
    for (const member of this.members) this.#updateMember(member, t, row, held);
  }

  /** How many queues each consumer holds at `t`, shown or not. */
  #held(t) {
    const held = new Map();
    for (const slot of this.slots) {
      if (this.playback.queues[slot.queue]?.purpose !== "user") continue;
      for (const owner of this.playback.owners(slot, t)) held.set(owner, (held.get(owner) ?? 0) + 1);
    }
    return held;
  }

  #updateQueue(view, t, row, recent) {
    const { playback } = this;
    const { slots, queue, number, filled } = view;
    const id = playback.queues.indexOf(queue);
    const value = slots.length > 0 ? Math.max(...slots.map((slot) => playback.lag[slot.index]?.[row] ?? 0)) : (playback.stored[id]?.[row] ?? 0);
    write(number, grouped(value));
    stretch(filled, value / this.scale);
    view.owners = slots.flatMap((slot) => playback.owners(slot, t));
    const everOwned = slots.some((slot) => slot.owners.length > 0 && slot.owners[0][0] <= t);
    const single = slots.length === 1;
    const classes = view.row.classList;
    classes.toggle("none", single && everOwned && view.owners.length === 0 && queue.purpose === "user");
    classes.toggle("two", single && view.owners.length > 1);
    const moved = single ? playback.movedAt(slots[0], t) : undefined;
    view.movedAgo = moved === undefined ? Infinity : t - moved;
    classes.toggle("moved", view.movedAgo < recent && t > recent);
    const names = view.owners.map((owner) => playback.consumers[owner]?.name).join(", ") || "nobody";
    const what = slots.length > 0 ? `lag ${grouped(value)} · held by ${names}` : `${grouped(value)} dead letters`;
    const title = `${queue.topic} ${playback.brokers[queue.broker].name}:${queue.id} · ${what}`;
    if (view.row.title !== title) view.row.title = title;
  }

  #updateMember(member, t, row, held) {
    const { playback } = this;
    const begun = member.lives.filter((life) => life.states.length > 0 && life.states[0][0] <= t);
    const life = begun.at(-1) ?? member.lives[0];
    member.life = life;
    this.#life(life, t, member.card, member.state, "");
    const busy = playback.busy[life.id]?.[row] ?? 0;
    const cached = playback.cached[life.id]?.[row] ?? 0;
    stretch(member.threads, busy / Math.max(life.threads, 1));
    write(member.busy, `${grouped(busy)} / ${life.threads}`);
    stretch(member.cache, cached / this.cacheScale);
    write(member.cached, grouped(cached));
    const queues = held.get(life.id) ?? 0;
    const rate = perSecond(playback, playback.done[life.id], row);
    write(member.held, `${queues} ${queues === 1 ? "queue" : "queues"} · ${figure(rate)}/s`);
  }

  #life(entity, t, card, node, calm) {
    const state = this.playback.state(entity, t);
    const away = state === undefined ? calm === "" : state in DOWN;
    const words = { up: calm, paused: "process stopped", cut: "cut off", ...DOWN }[state] ?? (calm === "" ? "not started" : calm);
    write(node, words);
    card.classList.toggle("away", away);
    card.classList.toggle("trouble", ["paused", "cut", "killed", "vanished"].includes(state));
  }
}

/** The highest number of a column. */
function peak(column) {
  let highest = 0;
  for (const value of column ?? []) if (value > highest) highest = value;
  return highest;
}

/** What a count grew by in the second or so before a row. */
function perSecond(playback, column, row) {
  if (!column || row === 0) return 0;
  let from = row - 1;
  while (from > 0 && playback.times[row] - playback.times[from] < 1e6) from -= 1;
  const seconds = (playback.times[row] - playback.times[from]) / 1e6;
  return seconds > 0 ? (column[row] - column[from]) / seconds : 0;
}
