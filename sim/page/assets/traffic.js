// Lines from queues to their owners, and the followed messages on their way.
// A way takes microseconds or milliseconds; it is drawn longer, so that the eye can follow.

/** How long a flight is drawn, and a fading, in milliseconds of the reader. */
const FLIGHT = 420;
const FADE = 350;

/** What the colours of messages mean. */
const COLOURS = {
  fresh: ["new", "--c-fresh"],
  again: ["delivered again", "--c-again"],
  retry: ["failed, to be retried", "--c-retry"],
  dead: ["dead letter", "--c-dead"],
  lost: ["result thrown away", "--c-lost"],
};

/** Slow at both ends. */
const eased = (x) => (x < 0.5 ? 2 * x * x : 1 - 2 * (1 - x) * (1 - x));

/**
 * A message as pieces that are drawn each for itself: it is sent to a queue, worked on by a listener, put into a queue by
 * the broker. Deliveries to several listeners are several pieces, each from the queue.
 */
function pieces(message) {
  const made = [];
  const open = new Map();
  let last;
  for (const { at, what, a, b } of message.steps) {
    if (what === "stored") made.push({ kind: "send", at, queue: a, colour: "fresh" });
    if (what === "delivered" || what === "again") {
      const colour = what === "again" ? "again" : made.some(({ kind }) => kind === "back") ? "retry" : "fresh";
      const piece = { kind: "work", at, consumer: a, queue: b, end: Infinity, colour, after: colour };
      open.set(a, piece);
      made.push(piece);
    }
    const ended = { done: undefined, failed: "retry", discarded: "lost", dropped: "lost" };
    const piece = what in ended ? open.get(a) : undefined;
    if (piece && piece.end === Infinity) {
      Object.assign(piece, { end: at, after: ended[what] ?? piece.colour });
      open.delete(a);
      last = a;
    }
    if (what === "back" || what === "dead") made.push({ kind: what, at, group: a, queue: b, from: last, colour: what === "dead" ? "dead" : "retry" });
  }
  return made;
}

class Traffic {
  constructor(playback, stage, lines, dots) {
    this.playback = playback;
    this.stage = stage;
    this.sheets = { lines, dots };
    this.pieces = playback.messages.flatMap((message) => pieces(message).map((piece) => ({ ...piece, producer: message.producer })));
    this.pieces.sort((a, b) => a.at - b.at);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    new ResizeObserver(() => this.measure()).observe(stage.root);
  }

  /** Where everything is, and in which colours; after every change of layout. */
  measure() {
    const { stage, sheets } = this;
    const frame = stage.root.getBoundingClientRect();
    const scale = devicePixelRatio || 1;
    for (const sheet of Object.values(sheets)) {
      sheet.width = Math.round(frame.width * scale);
      sheet.height = Math.round(frame.height * scale);
      sheet.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    }
    const box = (node) => {
      const { left, right, top, bottom } = node.getBoundingClientRect();
      return { left: left - frame.left, right: right - frame.left, bottom: bottom - frame.top, y: (top + bottom) / 2 - frame.top };
    };
    this.places = {
      producers: new Map([...(stage.producers ?? [])].map(([id, view]) => [id, box(view.card)])),
      rows: new Map([...(stage.queues?.values() ?? [])].map((view) => [view, box(view.row)])),
      members: new Map((stage.members ?? []).map((member) => [member, box(member.card)])),
    };
    const resolve = (value) => {
      sheets.dots.style.color = value;
      return getComputedStyle(sheets.dots).color;
    };
    this.colours = Object.fromEntries(Object.entries(COLOURS).map(([name, [, variable]]) => [name, resolve(`var(${variable})`)]));
    this.bad = resolve("var(--bad)");
    this.hues = new Map((stage.members ?? []).map((member) => [member, resolve(`light-dark(${member.lives[0].colour}, ${member.lives[0].dark})`)]));
    this.drawnLines = undefined;
    this.again?.();
  }

  draw(t, speed) {
    if (!this.places) return;
    this.again = () => this.draw(t, speed);
    if (this.drawnLines !== this.stage.lines) {
      this.drawnLines = this.stage.lines;
      this.#lines();
    }
    this.#messages(t, (this.still.matches ? 1 : FLIGHT) * 1000 * speed, FADE * 1000 * speed);
  }

  #clean(sheet) {
    const pen = sheet.getContext("2d");
    pen.clearRect(0, 0, sheet.width, sheet.height);
    return pen;
  }

  #lines() {
    const { stage, places, sheets } = this;
    const pen = this.#clean(sheets.lines);
    for (const view of stage.queues.values()) {
      const from = places.rows.get(view);
      for (const owner of new Set(view.owners)) {
        const member = stage.memberOf.get(owner);
        const to = member && places.members.get(member);
        if (!from || !to) continue;
        pen.globalAlpha = view.moved ? 0.95 : 0.32;
        pen.lineWidth = view.moved ? 2.5 : 1.2;
        pen.strokeStyle = view.isOne && view.owners.length > 1 ? this.bad : this.hues.get(member);
        pen.beginPath();
        curve(pen, from.right + 2, from.y, to.left - 1, to.y);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }

  #messages(t, flight, fade) {
    const pen = this.#clean(this.sheets.dots);
    const until = lastUpTo(this.pieces.length, (i) => this.pieces[i].at, t + flight);
    for (let i = 0; i <= until; i += 1) {
      const piece = this.pieces[i];
      if ((piece.end ?? piece.at) + 2 * flight + fade < t) continue;
      const dot = this.#dot(piece, t, flight, fade);
      if (dot) this.#paint(pen, dot);
    }
  }

  /** Where a piece is drawn at `t`; undefined if it is not. A message reaches its queue when it is stored there, and leaves
   * it when it is delivered. */
  #dot(piece, t, flight, fade) {
    const { stage, places } = this;
    const row = places.rows.get(stage.rows.get(piece.queue));
    if (!row) return undefined;
    if (piece.kind === "send") {
      const from = places.producers.get(piece.producer);
      const share = (t - piece.at + flight) / flight;
      if (!from || share < 0 || share >= 1) return undefined;
      return between({ x: from.right, y: from.y }, { x: row.left + 6, y: row.y }, share, piece.colour);
    }
    if (piece.kind === "work") return this.#work(piece, row, t, flight, fade);
    if (piece.group !== stage.group || t < piece.at || t >= piece.at + flight) return undefined;
    const from = places.members.get(stage.memberOf.get(piece.from));
    const start = from ? { x: from.left, y: from.bottom - 8 } : { x: row.right, y: row.y - 20 };
    return between(start, { x: row.right - 40, y: row.y }, (t - piece.at) / flight, piece.colour);
  }

  /** From the queue to a listener, at it, and fading there; with a client that goes, everything goes. */
  #work(piece, row, t, flight, fade) {
    const member = this.stage.memberOf.get(piece.consumer);
    const box = this.places.members.get(member);
    if (!box || t < piece.at) return undefined;
    const [state] = this.playback.state(this.playback.consumers[piece.consumer], t);
    if (state === undefined || state in DOWN) return undefined;
    const seat = { x: box.left + 12 + ((piece.at / 7) % Math.max(box.right - box.left - 24, 1)), y: box.bottom - 8 };
    const arrived = piece.at + flight;
    if (t < arrived) return between({ x: row.right, y: row.y }, seat, (t - piece.at) / flight, piece.colour);
    const over = Math.max(piece.end, arrived);
    if (t < over) return { ...seat, colour: piece.colour };
    return t < over + fade ? { ...seat, colour: piece.after, fades: (t - over) / fade } : undefined;
  }

  #paint(pen, { x, y, colour, fades = 0 }) {
    pen.globalAlpha = 1 - fades;
    pen.fillStyle = this.colours[colour];
    pen.beginPath();
    pen.arc(x, y, 3.4 + 2.5 * fades, 0, 2 * Math.PI);
    pen.fill();
    if (colour === "dead") {
      pen.strokeStyle = this.bad;
      pen.lineWidth = 1.5;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }
}

function between(start, to, share, colour) {
  const x = eased(Math.min(Math.max(share, 0), 1));
  return { x: start.x + (to.x - start.x) * x, y: start.y + (to.y - start.y) * x, colour };
}

function curve(pen, x0, y0, x1, y1) {
  const bend = Math.max((x1 - x0) / 2, 16);
  pen.moveTo(x0, y0);
  pen.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
}
