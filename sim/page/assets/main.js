// Puts the page together.

function start() {
  for (const table of document.querySelectorAll("table")) sortable(table);
  const playback = new Playback(embedded("playback"));
  const clock = new Clock(playback.end);
  new Charts(embedded("panels"), clock, document.getElementById("values"));
  const stage = new Stage(playback, document.getElementById("stage"));
  const traffic = new Traffic(playback, stage, document.getElementById("lines"), document.getElementById("traffic"));
  if (playback.groups.length === 0) {
    document.querySelector(".scene").hidden = true;
    return;
  }
  const player = new Player(playback, clock, stage, traffic);
  player.show(0);
  if (!player.recall(location.hash)) clock.seek(0);
  else document.getElementById("player").scrollIntoView();
  addEventListener("hashchange", () => player.recall(location.hash));
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.style.colorScheme ? root.style.colorScheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.style.colorScheme = dark ? "light" : "dark";
    player.repaint();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => player.repaint());
}

start();
