// Controls, the strip over the whole run, the sentence of the moment, the address that leads back here.

/** Kinds of moments that are not pushed away by others while the run plays. */
const WEIGHTY = ["fault", "member", "operator"];
/** How long a sentence stays at least while the run plays, in milliseconds of the reader. */
const READING = 1600;

class Player {
  constructor(playback, clock, stage, traffic) {
    Object.assign(this, { playback, clock, stage, traffic });
    this.$ = Object.fromEntries(
      ["play", "time", "seek", "speed", "group", "group-label", "before", "next", "kind", "help", "keys", "overview", "sentence", "moments", "legend", "sampled", "left-out"].map((id) => [id, document.getElementById(id)]),
    );
    this.kind = "";
    this.#choices();
    this.#controls();
    this.#keyboard();
    this.#legend();
    clock.listen((now) => this.update(now));
    new ResizeObserver(() => this.#overview()).observe(this.$.overview);
  }

  #choices() {
    const { $, playback, clock } = this;
    for (const speed of SPEEDS) $.speed.append(new Option(`× ${speed >= 1 ? grouped(speed) : speed}`, String(speed)));
    $.speed.value = String(clock.speed);
    playback.groups.forEach((group, id) => $.group.append(new Option(group.name, String(id))));
    $["group-label"].hidden = playback.groups.length < 2;
    $["left-out"].hidden = playback.left_out.length === 0;
    $["left-out"].textContent = `The player leaves out ${playback.left_out.join(", ")}.`;
    const share = (n) => (n > 1 ? `one in ${grouped(n)}` : "all");
    const [all, trouble] = playback.one_in;
    $.sampled.textContent = `Drawn are, of all messages, ${share(all)}; of those in trouble (retries, duplicates, dead letters), ${share(trouble)}. Flights are drawn slower than they happen.`;
  }

  #controls() {
    const { $, clock } = this;
    $.play.addEventListener("click", () => clock.toggle());
    $.speed.addEventListener("change", () => {
      clock.speed = Number($.speed.value);
      $.speed.blur();
    });
    $.seek.addEventListener("input", () => clock.seek((Number($.seek.value) / 10000) * clock.end));
    $.seek.addEventListener("change", () => this.remember());
    $.group.addEventListener("change", () => {
      this.show(Number($.group.value));
      this.remember();
    });
    $.kind.addEventListener("change", () => {
      this.kind = $.kind.value;
      this.listed = undefined;
      this.update(clock.now);
      $.kind.blur();
    });
    $.before.addEventListener("click", () => this.step(-1));
    $.next.addEventListener("click", () => this.step(1));
    $.help.addEventListener("click", () => {
      $.keys.hidden = !$.keys.hidden;
      $.help.setAttribute("aria-expanded", String(!$.keys.hidden));
    });
    $.overview.addEventListener("click", (event) => {
      const { left, width } = $.overview.getBoundingClientRect();
      clock.seek(((event.clientX - left) / width) * clock.end);
      this.remember();
    });
  }

  #keyboard() {
    const { clock, $ } = this;
    const keys = {
      " ": () => clock.toggle(),
      k: () => clock.toggle(),
      ArrowLeft: (event) => this.nudge(event.shiftKey ? -0.1 : -0.01),
      ArrowRight: (event) => this.nudge(event.shiftKey ? 0.1 : 0.01),
      "[": () => this.step(-1),
      "]": () => this.step(1),
      "-": () => clock.faster(-1),
      "+": () => clock.faster(1),
      "=": () => clock.faster(1),
      Home: () => clock.seek(0),
      End: () => clock.seek(clock.end),
      "?": () => $.help.click(),
    };
    const player = document.getElementById("player");
    new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
    }, { rootMargin: "-120px" }).observe(player);
    document.addEventListener("keydown", (event) => {
      const { target, key } = event;
      const isOurs = player.contains(target) || (this.visible && target === document.body);
      const moves = ["ArrowLeft", "ArrowRight", "Home", "End", "-", "+", "="].includes(key);
      const takesIt = target.closest("select, summary, pre") || (target === $.seek && moves) || (key === " " && target.closest("button, a"));
      if (!isOurs || takesIt || event.ctrlKey || event.metaKey || event.altKey || !(key in keys)) return;
      event.preventDefault();
      keys[key](event);
      if (!clock.playing) this.remember();
    });
  }

  #legend() {
    for (const [name, variable] of Object.values(COLOURS)) {
      const item = element("li", "", name);
      const spot = element("i");
      spot.style.setProperty("--c", `var(${variable})`);
      item.prepend(spot);
      this.$.legend.append(item);
    }
    for (const [name, text] of [["none", "a queue that nobody holds"], ["two", "one that two hold"], ["moved", "one that has just changed hands, its line thick"]]) {
      const item = element("li", "", text);
      item.prepend(element("span", `queue sample ${name}`));
      this.$.legend.append(item);
    }
  }

  /** What the colours of the strip and of the list mean, for the kinds that there are. */
  #kinds() {
    const there = new Set(this.moments.map(({ kind }) => kind));
    const keys = this.playback.kinds.filter(([kind]) => there.has(kind)).map(([kind, title]) => {
      const item = element("li", "", title);
      const spot = element("i", "square");
      spot.style.setProperty("--c", `var(--k-${kind})`);
      item.prepend(spot);
      return item;
    });
    document.getElementById("strip-keys").replaceChildren(...keys);
  }

  /** Shows a group. */
  show(group) {
    const { $, stage, traffic, playback } = this;
    this.group = group;
    $.group.value = String(group);
    stage.show(group);
    this.moments = playback.moments.filter((moment) => moment.group < 0 || moment.group === group);
    const counts = Map.groupBy(this.moments, (moment) => moment.kind);
    $.kind.replaceChildren(new Option("any moment", ""));
    for (const [kind, title] of playback.kinds) if (counts.has(kind)) $.kind.append(new Option(title, kind));
    if (!counts.has(this.kind)) this.kind = "";
    $.kind.value = this.kind;
    this.listed = undefined;
    this.#kinds();
    this.#overview();
    this.update(this.clock.now);
    traffic.measure();
  }

  /** Moments of the kind that is chosen. */
  chosen() {
    return this.kind ? this.moments.filter((moment) => moment.kind === this.kind) : this.moments;
  }

  /** To the next moment of the kind, or to the one before. */
  step(by) {
    const list = this.chosen();
    const place = this.#place(list, this.clock.now);
    const isPast = list[place]?.at < this.clock.now;
    const next = list[by > 0 ? place + 1 : isPast ? place : place - 1];
    if (next) this.goTo(next);
  }

  /** To a moment of the list. */
  goTo(moment) {
    this.clock.pause();
    this.shown = moment;
    this.clock.seek(moment.at);
    this.remember();
  }

  /** The place in `list` of the moment on show: of several at one instant, the one that was asked for. */
  #place(list, now) {
    if (this.shown?.at === now) {
      const asked = list.indexOf(this.shown);
      if (asked >= 0) return asked;
    }
    return lastUpTo(list.length, (i) => list[i].at, now);
  }

  nudge(share) {
    this.clock.seek(this.clock.now + share * this.clock.end);
  }

  update(now) {
    const { $, clock, stage, traffic } = this;
    write($.time, instant(now, clock.end));
    $.seek.value = String(Math.round((now / Math.max(clock.end, 1)) * 10000));
    $.seek.setAttribute("aria-valuetext", instant(now, clock.end));
    $.play.classList.toggle("playing", clock.playing);
    $.play.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    $.speed.value = String(clock.speed);
    stage.update(now, Math.min(FLIGHT * 2000 * clock.speed, clock.end / 100));
    traffic.draw(now, clock.speed);
    this.#sentence(now);
    this.#needle(now);
    if (this.wasPlaying && !clock.playing) {
      this.remember();
      this.listed = undefined;
      this.#sentence(now);
    }
    this.wasPlaying = clock.playing;
  }

  /** What explains the picture: the last moment, and those around it. */
  #sentence(now) {
    const { $, clock } = this;
    const list = this.chosen();
    const place = this.#place(list, now);
    const moment = list[place];
    const key = `${this.group} ${this.kind} ${place}`;
    if (key === this.listed || (clock.playing && !this.#mayPush(moment))) return;
    this.listed = key;
    this.told = { at: performance.now(), kind: moment?.kind };
    // A screen reader is told where one stops, not what flies by.
    $.sentence.setAttribute("aria-live", clock.playing ? "off" : "polite");
    const at = moment?.at ?? 0;
    const seconds = clock.end > 3.6e9 ? ` · ${(at / 1e6).toFixed(3)} s` : "";
    const when = element("span", "when", instant(at, clock.end) + seconds);
    const more = moment?.more > 0 ? ` And ${grouped(moment.more)} more like it${until(moment, clock.end)}.` : "";
    $.sentence.replaceChildren(when, (moment?.text ?? "Nothing has happened yet.") + more);
    const around = list.slice(Math.max(place - 2, 0), Math.max(place, 0) + 6);
    $.moments.replaceChildren(...around.map((other) => this.#entry(other, other === moment)));
  }

  /** Whether a sentence may take the place of the one that is being read. */
  #mayPush(moment) {
    const isRead = performance.now() - (this.told?.at ?? -Infinity) >= READING;
    return isRead || (WEIGHTY.includes(moment?.kind) && !WEIGHTY.includes(this.told.kind));
  }

  #entry(moment, isCurrent) {
    const item = element("li");
    const button = element("button");
    button.type = "button";
    button.style.setProperty("--kind", `var(--k-${moment.kind})`);
    if (isCurrent) button.setAttribute("aria-current", "true");
    button.append(element("span", "", instant(moment.at, this.clock.end)), element("span", "what", moment.text));
    button.addEventListener("click", () => this.goTo(moment));
    item.append(button);
    return item;
  }

  /** The lag of the group over the whole run, with its moments by kind below. */
  #overview() {
    const { $, playback, stage, clock } = this;
    const { width, height } = $.overview.getBoundingClientRect();
    if (!stage.slots || width === 0) return;
    const scale = devicePixelRatio || 1;
    const canvas = this.strip ?? document.createElement("canvas");
    for (const sheet of [canvas, $.overview]) {
      sheet.width = Math.round(width * scale);
      sheet.height = Math.round(height * scale);
    }
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const colour = (name) => {
      $.overview.style.color = `var(${name})`;
      return getComputedStyle($.overview).color;
    };
    const x = (t) => (t / Math.max(clock.end, 1)) * width;
    const sums = playback.times.map((_, row) => stage.slots.reduce((sum, slot) => sum + (playback.lag[slot.index]?.[row] ?? 0), 0));
    const highest = Math.max(...sums, 1);
    const floor = height - 14;
    pen.fillStyle = colour("--line");
    pen.beginPath();
    pen.moveTo(0, floor);
    sums.forEach((sum, row) => pen.lineTo(x(playback.times[row]), floor - (sum / highest) * (floor - 14)));
    pen.lineTo(width, floor);
    pen.fill();
    pen.fillStyle = colour("--quiet");
    pen.font = "11px system-ui, sans-serif";
    pen.fillText("lag of the group", 6, 12);
    for (const moment of this.moments) {
      pen.fillStyle = colour(`--k-${moment.kind}`);
      const row = ["fault", "member"].includes(moment.kind) ? 0 : 1;
      pen.fillRect(x(moment.at), floor + 1 + 6 * row, Math.max(x(moment.until) - x(moment.at), 1.5), 5);
    }
    this.strip = canvas;
    this.#needle(clock.now);
  }

  #needle(now) {
    if (!this.strip) return;
    const canvas = this.$.overview;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(this.strip, 0, 0);
    const wide = 2 * (devicePixelRatio || 1);
    pen.fillStyle = this.needleColour ??= getComputedStyle(this.$.play).backgroundColor;
    pen.fillRect((now / Math.max(this.clock.end, 1)) * canvas.width - wide / 2, 0, wide, canvas.height);
  }

  /** Colours have changed. */
  repaint() {
    this.needleColour = undefined;
    this.#overview();
    this.traffic.measure();
  }

  /** Puts the moment on show into the address, when it stays for a moment of the reader. */
  remember() {
    clearTimeout(this.remembers);
    this.remembers = setTimeout(() => {
      const several = this.playback.groups.length > 1;
      const group = several ? `&group=${encodeURIComponent(this.playback.groups[this.group].name)}` : "";
      const seconds = Number((this.clock.now / 1e6).toFixed(6));
      history.replaceState(null, "", `#t=${seconds}s${group}`);
    }, 250);
  }

  /** Goes to the moment that the address names: `#t=183.2s`, `#t=3m&group=billing`. Whether it names one. */
  recall(address) {
    const wanted = new URLSearchParams(address.replace(/^#/, ""));
    const [, number, unit] = /^([\d.]+)(us|ms|s|m|h|d)?$/.exec(wanted.get("t") ?? "") ?? [];
    if (!number || Number.isNaN(Number(number))) return false;
    const group = this.playback.groups.findIndex(({ name }) => name === wanted.get("group"));
    if (group >= 0 && group !== this.group) this.show(group);
    const micros = { us: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9, d: 8.64e10 }[unit ?? "s"];
    this.clock.pause();
    this.clock.seek(Number(number) * micros);
    return true;
  }
}

/** The end of a moment that stands for several, where it shows. */
function until(moment, end) {
  const last = instant(moment.until, end);
  return last === instant(moment.at, end) ? "" : ` until ${last}`;
}
