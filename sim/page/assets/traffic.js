// Lines from queues to their owners, and the followed messages on their way.
// A way takes microseconds or milliseconds; it is drawn longer, so that the eye can follow.

/** How long a flight is drawn, in milliseconds of the reader. */
const FLIGHT = 420;
const FADE = 350;

const COLOURS = {
  fresh: ["new", "--c-fresh"],
  again: ["delivered again", "--c-again"],
  retry: ["retry", "--c-retry"],
  dead: ["dead letter", "--c-dead"],
};

/** Slow at both ends. */
const eased = (x) => (x < 0.5 ? 2 * x * x : 1 - 2 * (1 - x) * (1 - x));

class Traffic {
  constructor(playback, stage, canvas) {
    this.playback = playback;
    this.stage = stage;
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    new ResizeObserver(() => this.measure()).observe(stage.root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.measure());
  }

  /** Where everything is, and in which colours; after every change of layout. */
  measure() {
    const { stage, canvas } = this;
    const frame = stage.root.getBoundingClientRect();
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(frame.width * scale);
    canvas.height = Math.round(frame.height * scale);
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
    const box = (node) => {
      const { left, right, top, bottom } = node.getBoundingClientRect();
      return { left: left - frame.left, right: right - frame.left, top: top - frame.top, bottom: bottom - frame.top, y: (top + bottom) / 2 - frame.top };
    };
    this.places = {
      producers: new Map([...(stage.producers ?? [])].map(([id, view]) => [id, box(view.card)])),
      queues: new Map([...(stage.queues ?? [])].map(([id, view]) => [id, box(view.row)])),
      members: new Map((stage.members ?? []).map((member) => [member, box(member.card)])),
    };
    const style = getComputedStyle(document.documentElement);
    const resolve = (value) => {
      canvas.style.color = value;
      return getComputedStyle(canvas).color;
    };
    this.colours = Object.fromEntries(Object.entries(COLOURS).map(([name, [, variable]]) => [name, resolve(`var(${variable})`)]));
    this.quiet = resolve("var(--quiet)");
    this.bad = resolve("var(--bad)");
    this.hues = new Map((stage.members ?? []).map((member) => {
      const hue = getComputedStyle(member.card).borderLeftColor;
      return [member, hue];
    }));
    this.drawn?.();
  }

  draw(t, speed) {
    if (!this.places) return;
    this.drawn = () => this.draw(t, speed);
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.#links(t, FLIGHT * 1000 * speed);
    this.#messages(t, (this.still.matches ? 1 : FLIGHT) * 1000 * speed, FADE * 1000 * speed);
  }

  #links(t, recent) {
    const { pen, stage, places } = this;
    for (const [id, view] of stage.queues) {
      const from = places.queues.get(id);
      for (const owner of view.owners ?? []) {
        const member = stage.memberOf.get(owner);
        const to = member && places.members.get(member);
        if (!from || !to) continue;
        const isNew = view.movedAgo < 2 * recent;
        pen.globalAlpha = isNew ? 0.95 : 0.3;
        pen.lineWidth = isNew ? 2.5 : 1.2;
        pen.strokeStyle = view.owners.length > 1 && !this.#broadcasts() ? this.bad : this.hues.get(member);
        pen.beginPath();
        curve(pen, from.right + 2, from.y, to.left - 1, to.y);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }

  #broadcasts() {
    return this.playback.groups[this.stage.group].broadcasting;
  }

  #messages(t, flight, fade) {
    for (const message of this.playback.messages) {
      if (message.from > t) break;
      if (message.to + (message.steps.length + 1) * flight + fade < t) continue;
      const place = this.#place(message, t, flight, fade);
      if (place) this.#dot(place);
    }
  }

  /** Where a message is drawn at `t`: it flies, rests at a listener, fades, or is not seen. */
  #place(message, t, flight, fade) {
    let at = this.#producer(message);
    let free = message.from;
    let colour = "fresh";
    let shown;
    for (const step of message.steps) {
      const aim = this.#aim(step);
      if (aim === undefined) continue;
      const starts = Math.max(step.at, free);
      if (starts > t) break;
      if (step.what === "again") colour = "again";
      if (["failed", "retry", "back", "dropped"].includes(step.what)) colour = "retry";
      if (step.what === "dead") colour = "dead";
      if (aim.ends) {
        // It is over for this listener, right where it is.
        shown = t - starts < fade && at ? { ...at, colour, fades: (t - starts) / fade, good: aim.good } : undefined;
        free = starts;
        continue;
      }
      free = starts + flight;
      if (t < free) return at ? between(at, aim.from ?? at, aim.to, (t - starts) / flight, colour) : undefined;
      at = aim.to;
      shown = aim.stays && !this.#gone(step, t) ? { ...aim.to, colour, id: message.number } : undefined;
    }
    return shown;
  }

  /** Whether the listener at which a message rests has gone. */
  #gone(step, t) {
    return ["graceful", "killed", "vanished"].includes(this.playback.state(this.playback.consumers[step.a], t));
  }

  #producer(message) {
    const box = this.places.producers.get(message.producer);
    return box && { x: box.right, y: box.y };
  }

  /** Where a step leads; undefined if it is no affair of the group on show. */
  #aim(step) {
    const { places, stage } = this;
    const queue = (id) => places.queues.get(id);
    const member = () => {
      const of = stage.memberOf.get(step.a);
      return of && places.members.get(of);
    };
    switch (step.what) {
      case "stored": {
        const box = queue(step.a);
        return box && { to: { x: box.left + 8, y: box.y } };
      }
      case "delivered":
      case "again": {
        const box = member();
        return box && { to: seat(box, step.at), stays: true };
      }
      case "done":
        return member() && { ends: true, good: true };
      case "failed":
      case "discarded":
      case "dropped":
        return member() && { ends: true, good: false };
      case "back":
      case "dead": {
        const box = step.a === stage.group ? queue(step.b) : undefined;
        return box && { to: { x: box.right - 60, y: box.y } };
      }
      default:
        return undefined;
    }
  }

  #dot({ x, y, colour, fades = 0, good = true }) {
    const { pen } = this;
    pen.globalAlpha = 1 - fades;
    pen.fillStyle = this.colours[good ? colour : "retry"];
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

/** A place within a consumer's card, the same for the same step. */
function seat(box, at) {
  const width = Math.max(box.right - box.left - 24, 1);
  return { x: box.left + 12 + ((at / 7) % width), y: box.bottom - 8 };
}

function between(from, start, to, share, colour) {
  const x = eased(Math.max(share, 0));
  return { x: start.x + (to.x - start.x) * x, y: start.y + (to.y - start.y) * x, colour };
}

function curve(pen, x0, y0, x1, y1) {
  const bend = Math.max((x1 - x0) / 2, 16);
  pen.moveTo(x0, y0);
  pen.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
}
