// Virtual time as the page shows it: it stands, or runs at a speed.

/** Virtual seconds in a second of the reader. */
const SPEEDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];

class Clock {
  #before = 0;
  #listeners = [];

  constructor(end) {
    this.end = end;
    this.now = 0;
    this.playing = false;
    // So that the whole run plays in about a minute.
    this.speed = SPEEDS.find((speed) => speed * 60e6 >= end) ?? SPEEDS.at(-1);
  }

  /** `listener(now)` hears of every change. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  tell() {
    for (const listener of this.#listeners) listener(this.now);
  }

  seek(t) {
    this.now = Math.min(Math.max(t, 0), this.end);
    this.tell();
  }

  play() {
    if (this.playing) return;
    if (this.now >= this.end) this.now = 0;
    this.playing = true;
    this.#before = performance.now();
    requestAnimationFrame((time) => this.#step(time));
    this.tell();
  }

  pause() {
    this.playing = false;
    this.tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** To the next speed up (1) or down (-1). */
  faster(by) {
    const place = SPEEDS.indexOf(this.speed) + by;
    if (place >= 0 && place < SPEEDS.length) this.speed = SPEEDS[place];
    this.tell();
  }

  #step(time) {
    if (!this.playing) return;
    // A tab that slept does not leap.
    const passed = Math.min(Math.max(time - this.#before, 0), 250);
    this.#before = time;
    this.now = Math.min(this.now + passed * 1000 * this.speed, this.end);
    if (this.now >= this.end) this.playing = false;
    this.tell();
    if (this.playing) requestAnimationFrame((next) => this.#step(next));
  }
}
