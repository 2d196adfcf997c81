// Tables sort by a click on a head: numbers from the greatest, texts from A; again turns it round.

const order = new Intl.Collator("en", { numeric: true });

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const numeric = head.classList.contains("number");
      const first = numeric ? "descending" : "ascending";
      const now = head.getAttribute("aria-sort");
      const next = now === "none" ? first : now === "ascending" ? "descending" : "ascending";
      for (const other of heads) other.setAttribute("aria-sort", other === head ? next : "none");
      const sign = next === "ascending" ? 1 : -1;
      const body = table.tBodies[0];
      const key = (row) => row.cells[column].dataset.sort;
      const text = (row) => row.cells[column].textContent;
      const rows = [...body.rows].sort((a, b) => sign * (numeric ? Number(key(a)) - Number(key(b)) : order.compare(text(a), text(b))));
      body.replaceChildren(...rows);
    });
  });
}
