// The cluster as cards: producers, brokers with their queues, consumers with their threads and caches.
// One group at a time: the queues that it reads, and its members.

const QUEUES = 160;
const BROKERS = 24;
const MEMBERS = 80;

/** An element with a class and a text. */
function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

const DOWN = { graceful: "shut down", killed: "killed", vanished: "host lost", start_failed: "could not start" };

/** What a card says of a state, with the servers that it is about. */
function words(state, servers) {
  if (state in DOWN) return DOWN[state];
  return { paused: "process stopped", cut: `cut off from ${servers}`, slow: `slow link to ${servers}`, flapping: "links flap" }[state] ?? "";
}

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
    this.of = playback.groups[group];
    this.slots = playback.slots.map((slot, index) => ({ ...slot, index, known: undefined })).filter((slot) => slot.group === group);
    this.#producers();
    this.#brokers();
    this.#members();
    this.root.classList.toggle("dense", this.queues.size > 40 || this.members.length > 20);
    /** Changes whenever a line changes. */
    this.lines = 0;
  }

  #producers() {
    const { playback, lanes, of } = this;
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
    this.#more(lanes.producers, all.length - this.producers.size, "producers");
    if (all.length === 0) lanes.producers.append(element("p", "more", "nobody sends to its topics"));
  }

  /** A card for each broker, with its share of the queues that can be shown; the rest of them is one row. */
  #brokers() {
    const { playback, lanes, of } = this;
    lanes.brokers.replaceChildren();
    this.brokers = new Map();
    this.queues = new Map();
    /** Rows by queue, hidden queues' too. */
    this.rows = new Map();
    const bySlot = Map.groupBy(this.slots, (slot) => slot.queue);
    const all = [...bySlot.keys(), ...of.dead].sort((a, b) => a - b);
    const ofBroker = Map.groupBy(all, (queue) => playback.queues[queue].broker);
    const room = Math.max(Math.floor(QUEUES / Math.max(ofBroker.size, 1)), 4);
    for (const [id, queues] of [...ofBroker].slice(0, BROKERS)) {
      const card = element("div", "card broker");
      const state = element("span", "state");
      card.append(element("b", "", playback.brokers[id].name), state);
      const isUser = (queue) => playback.queues[queue].purpose === "user";
      const users = queues.filter(isUser);
      const shown = users.length > room ? users.slice(0, room) : users;
      const byTopic = Map.groupBy(shown, (queue) => playback.queues[queue].topic);
      for (const [topic, its] of byTopic) {
        if (of.topics.length > 1) card.append(element("div", "topic", topic));
        for (const queue of its) card.append(this.#queue([queue], bySlot, `queue ${playback.queues[queue].id}`));
      }
      const hidden = users.slice(shown.length);
      if (hidden.length > 0) card.append(this.#queue(hidden, bySlot, `${grouped(hidden.length)} more`));
      for (const queue of queues.filter((queue) => !isUser(queue))) {
        const { purpose, id: number } = playback.queues[queue];
        card.append(this.#queue([queue], bySlot, purpose === "retry" ? `retry ${number}` : `DLQ ${number}`));
      }
      lanes.brokers.append(card);
      this.brokers.set(id, { card, state });
    }
    this.#more(lanes.brokers, ofBroker.size - this.brokers.size, "brokers");
    const lags = this.slots.map((slot) => peak(playback.lag[slot.index]));
    const dead = of.dead.map((queue) => peak(playback.stored[queue]));
    this.scale = Math.max(...lags, ...dead, 10);
  }

  /** A row of one queue, or of several that are not shown one by one. */
  #queue(ids, bySlot, label) {
    const { playback } = this;
    const queue = playback.queues[ids[0]];
    const row = element("div", `queue ${queue.purpose}`);
    const name = element("span", "name", label);
    name.dataset.short = { user: ids.length > 1 ? "…" : `${queue.id}`, retry: `R${queue.id}`, dead: `D${queue.id}` }[queue.purpose];
    const bar = element("span", "bar");
    const filled = element("i");
    bar.append(filled);
    const number = element("span", "n");
    row.append(name, bar, number);
    const view = { row, filled, number, ids, queue, owners: [], slots: ids.flatMap((id) => bySlot.get(id) ?? []) };
    view.isOne = ids.length === 1 && view.slots.length === 1;
    this.queues.set(ids[0], view);
    for (const id of ids) this.rows.set(id, view);
    return row;
  }

  #members() {
    const { playback, lanes, group } = this;
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
    this.#more(lanes.consumers, members.length - this.members.length, "consumers");
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

  #more(lane, hidden, what) {
    if (hidden > 0) lane.append(element("p", "more", `and ${grouped(hidden)} more ${what}`));
  }

  /** Everything as it is at `t`; what moved within `recent` is marked. */
  update(t, recent) {
    const { playback } = this;
    const row = playback.row(t);
    for (const [id, { rate }] of this.producers) write(rate, `${figure(perSecond(playback, playback.sent[id], row))}/s`);
    for (const [id, { card, state }] of this.brokers) {
      const [what, servers] = playback.state(playback.brokers[id], t);
      this.#life(card, state, what, servers, false);
    }
    const held = this.#held(t);
    for (const view of this.queues.values()) this.#updateQueue(view, t, row, recent);
    for (const member of this.members) this.#updateMember(member, t, row, held);
  }

  /** How many queues each consumer holds at `t`, shown or not. */
  #held(t) {
    const held = new Map();
    for (const slot of this.slots) {
      if (this.playback.queues[slot.queue].purpose !== "user") continue;
      for (const owner of this.playback.owners(slot, t)) held.set(owner, (held.get(owner) ?? 0) + 1);
    }
    return held;
  }

  #updateQueue(view, t, row, recent) {
    const { playback } = this;
    const { slots, queue, number, filled } = view;
    const values = slots.length > 0 ? slots.map((slot) => playback.lag[slot.index]?.[row] ?? 0) : [playback.stored[view.ids[0]]?.[row] ?? 0];
    const value = Math.max(...values);
    write(number, grouped(value));
    stretch(filled, value / this.scale);
    const known = t < playback.owners_until;
    const owners = known ? slots.flatMap((slot) => playback.owners(slot, t)) : [];
    const moved = view.isOne ? t - playback.movedAt(slots[0], t) < recent : false;
    if (owners.join() !== view.owners.join() || moved !== view.moved) this.lines += 1;
    Object.assign(view, { owners, moved });
    const wasOwned = known && view.isOne && slots[0].owners.some(([from]) => from <= t);
    const classes = view.row.classList;
    classes.toggle("none", wasOwned && owners.length === 0 && queue.purpose === "user");
    classes.toggle("two", view.isOne && owners.length > 1);
    classes.toggle("moved", moved);
    const title = this.#title(view, value, known);
    if (view.row.title !== title) view.row.title = title;
  }

  /** What the pointer is told of a queue. */
  #title({ ids, queue, slots, owners }, value, known) {
    const { playback } = this;
    const broker = playback.brokers[queue.broker].name;
    if (ids.length > 1) return `${grouped(ids.length)} queues of ${broker} · highest lag ${grouped(value)}`;
    const label = `${queue.topic} ${broker}:${queue.id}`;
    if (slots.length === 0) return `${label} · ${grouped(value)} dead letters`;
    const name = (owner) => playback.consumers[owner]?.name ?? "a consumer that is not shown";
    const holders = !known ? "somebody: owners are not recorded any more" : owners.map(name).join(", ") || "nobody";
    return `${label} · lag ${grouped(value)} · held by ${holders}`;
  }

  #updateMember(member, t, row, held) {
    const { playback } = this;
    const begun = member.lives.filter((life) => life.states.length > 0 && life.states[0][0] <= t);
    const life = begun.at(-1) ?? member.lives[0];
    const [state, servers] = playback.state(life, t);
    const away = this.#life(member.card, member.state, state, servers, true);
    const busy = away ? 0 : (playback.busy[life.id]?.[row] ?? 0);
    const cached = away ? 0 : (playback.cached[life.id]?.[row] ?? 0);
    stretch(member.threads, busy / Math.max(life.threads, 1));
    write(member.busy, `${grouped(busy)} / ${life.threads}`);
    stretch(member.cache, cached / this.cacheScale);
    write(member.cached, grouped(cached));
    const queues = held.get(life.id) ?? 0;
    const rate = away ? 0 : perSecond(playback, playback.done[life.id], row);
    write(member.held, `${queues} ${queues === 1 ? "queue" : "queues"} · ${figure(rate)}/s`);
  }

  /** What a card says of the life of its client or broker; whether that is away. */
  #life(card, node, state, servers, mustStart) {
    const away = state === undefined ? mustStart : state in DOWN;
    write(node, state === undefined ? (mustStart ? "not started" : "") : words(state, servers));
    card.classList.toggle("away", away);
    card.classList.toggle("trouble", ["paused", "cut", "slow", "flapping", "killed", "vanished"].includes(state));
    return away;
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
