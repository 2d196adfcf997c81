// What was recorded, decoded. Times are microseconds of virtual time.

/** Bodies of the page's data elements. */
const embedded = (id) => JSON.parse(document.getElementById(id).textContent);

/** A column that stands as differences from row to row, nothing for zero. */
function decoded(text) {
  let value = 0;
  return Float64Array.from(text.split(","), (step) => (value += Number(step)));
}

/** The last place whose key is at most `wanted`, or -1. */
function lastUpTo(count, key, wanted) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(middle) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const STEPS = ["stored", "delivered", "again", "done", "failed", "discarded", "retry", "back", "dead", "dropped"];

/** One followed message: who made it, when, and its steps in order. */
function journey([producer, number, born, first, ...flat]) {
  const steps = [];
  let at = first;
  for (let i = 0; i < flat.length; i += 4) {
    at += flat[i];
    steps.push({ at, what: STEPS[flat[i + 1]], a: flat[i + 2], b: flat[i + 3] });
  }
  return { producer, number, born, steps, from: born >= 0 ? Math.min(born, first) : first, to: at };
}

class Playback {
  constructor(data) {
    Object.assign(this, data);
    this.times = data.frames.times;
    for (const name of ["lag", "stored", "sent", "cached", "busy", "done"]) {
      this[name] = data.frames[name].map(decoded);
    }
    this.messages = data.messages.map(journey).sort((a, b) => a.from - b.from);
    this.moments = data.moments.map(([at, until, kind, group, more, text], index) => ({
      at, until, kind: data.kinds[kind][0], group, more, text, index,
    }));
  }

  /** The row of the frames that holds at `t`. */
  row(t) {
    return Math.max(0, lastUpTo(this.times.length, (i) => this.times[i], t));
  }

  /** What a client or broker is at `t`, and what there is to say of that; undefined before its start. */
  state(entity, t) {
    const states = entity.states;
    const [, state, servers] = states[lastUpTo(states.length, (i) => states[i][0], t)] ?? [];
    return [state, servers];
  }

  /** Who holds the queue of a slot at `t`. */
  owners(slot, t) {
    return this.#known(slot, t).owners;
  }

  /** When the queue of a slot last changed hands up to `t`; -Infinity if it has not. */
  movedAt(slot, t) {
    return this.#known(slot, t).from;
  }

  /** The owners at `t`, and from when to when they are the owners. Remembered, since the next question is about soon. */
  #known(slot, t) {
    if (slot.known && slot.known.from <= t && t < slot.known.to) return slot.known;
    const known = { from: -Infinity, to: Infinity, owners: [] };
    for (const [from, to, consumer] of slot.owners) {
      // Who holds it at the end of the run still holds it then.
      const until = to === this.end ? Infinity : to;
      for (const edge of [from, until]) {
        if (edge <= t) known.from = Math.max(known.from, edge);
        else known.to = Math.min(known.to, edge);
      }
      if (from <= t && t < until) known.owners.push(consumer);
    }
    slot.known = known;
    return known;
  }
}

/** `1 234 567`. */
const grouped = (n) => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Three digits at most: `0.34`, `12.5`, `1 234`. */
function figure(n) {
  if (n === 0) return "0";
  const size = Math.abs(n);
  if (size >= 100) return grouped(n);
  return Number(n.toPrecision(size >= 1 ? 3 : 2)).toString();
}

/** An instant as people say it: `183.204 s`; in a run of more than an hour `01:02:03`, of more than a day `day 2, 01:02:03`. */
function instant(t, end) {
  const seconds = t / 1e6;
  if (end <= 3.6e9) return `${seconds.toFixed(3)} s`;
  const whole = Math.floor(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const days = Math.floor(whole / 86400);
  const clock = `${two(Math.floor(whole / 3600) % 24)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return end > 86400e6 ? `day ${days + 1}, ${clock}` : clock;
}
