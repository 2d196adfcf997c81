// One time cursor for all charts, and the values under the pointer.

const SVG = "http://www.w3.org/2000/svg";

class Charts {
  constructor(panels, clock, values) {
    this.clock = clock;
    this.values = values;
    this.figures = [...document.querySelectorAll(".chart")].map((figure) => {
      const plot = figure.querySelector(".plot");
      const drawing = plot.querySelector("svg");
      const box = drawing.viewBox.baseVal;
      const own = panels[Number(figure.dataset.chart)] ?? [];
      const overlay = document.createElementNS(SVG, "svg");
      overlay.setAttribute("class", "cursor");
      overlay.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
      overlay.setAttribute("preserveAspectRatio", "none");
      plot.append(overlay);
      const view = { plot, box, panels: own, now: own.map(() => line(overlay, "now")), here: own.map(() => line(overlay, "here")) };
      if (own.length > 0) this.#listen(view);
      return view;
    });
    clock.listen((now) => this.#mark("now", now / 1e6));
  }

  #listen(view) {
    view.plot.addEventListener("pointermove", (event) => {
      const hit = this.#hit(view, event);
      this.#mark("here", hit?.seconds);
      this.#tell(hit, event);
    });
    view.plot.addEventListener("pointerleave", () => {
      this.#mark("here", undefined);
      this.values.hidden = true;
    });
    view.plot.addEventListener("click", (event) => {
      const hit = this.#hit(view, event);
      if (hit) this.clock.seek(hit.seconds * 1e6);
    });
  }

  /** The panel under the pointer, or the nearest above or below, and the time there. */
  #hit(view, event) {
    const { left, top, width, height } = view.plot.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * view.box.width;
    const y = ((event.clientY - top) / height) * view.box.height;
    const away = (panel) => Math.max(panel.top - y, y - panel.bottom, 0);
    const panel = view.panels.filter((panel) => x >= panel.left && x <= panel.right).sort((a, b) => away(a) - away(b))[0];
    if (!panel) return undefined;
    const seconds = panel.from + ((x - panel.left) / (panel.right - panel.left)) * (panel.to - panel.from);
    return { panel, seconds };
  }

  #mark(kind, seconds) {
    for (const view of this.figures) {
      view.panels.forEach((panel, i) => {
        const mark = view[kind][i];
        const inside = seconds !== undefined && seconds >= panel.from && seconds <= panel.to;
        mark.style.visibility = inside ? "visible" : "hidden";
        if (!inside) return;
        const x = panel.left + ((seconds - panel.from) / Math.max(panel.to - panel.from, 1e-9)) * (panel.right - panel.left);
        for (const [name, value] of [["x1", x], ["x2", x], ["y1", panel.top], ["y2", panel.bottom]]) mark.setAttribute(name, String(value));
      });
    }
  }

  #tell(hit, event) {
    const { values } = this;
    values.hidden = !hit;
    if (!hit) return;
    const rows = hit.panel.series.map((series) => {
      const place = lastUpTo(series.points.length, (i) => series.points[i][0], hit.seconds);
      const row = element("div");
      row.style.setProperty("--hue", series.color);
      row.style.setProperty("--dark", series.dark);
      const value = place < 0 ? "–" : `${figure(series.points[place][1])}${series.unit ? ` ${series.unit}` : ""}`;
      row.append(element("i"), element("span", "", series.name), element("span", "v", value));
      return row;
    });
    values.replaceChildren(element("b", "", instant(hit.seconds * 1e6, this.clock.end)), ...rows);
    const { width, height } = values.getBoundingClientRect();
    const flip = event.clientX + width + 24 > innerWidth;
    values.style.left = `${Math.max(flip ? event.clientX - width - 14 : event.clientX + 14, 4)}px`;
    values.style.top = `${Math.max(Math.min(event.clientY + 14, innerHeight - height - 8), 4)}px`;
  }
}

function line(overlay, name) {
  const made = document.createElementNS(SVG, "line");
  made.setAttribute("class", name);
  made.style.visibility = "hidden";
  overlay.append(made);
  return made;
}
