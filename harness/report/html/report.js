// The page is whole without this: it only makes the table of cases sortable and filterable.
const table = document.getElementById("cases");
const body = table.tBodies[0];
const rows = [...body.rows];
const form = document.getElementById("filter");
const shown = document.getElementById("shown");

function filter() {
  const words = form.elements.text.value.toLowerCase().split(/\s+/);
  const status = form.elements.status.value;
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word)) || (status !== "" && row.dataset.status !== status);
    count += row.hidden ? 0 : 1;
  }
  shown.textContent = `${count} of ${rows.length} cases`;
}

/// Numbers by their value, with the cells that have none at the end; words by their letters.
function compare(a, b) {
  const [x, y] = [parseFloat(a), parseFloat(b)];
  if (Number.isNaN(x) && Number.isNaN(y)) return a.localeCompare(b);
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return x - y;
}

function sortBy(heading, column) {
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const text = (row) => row.cells[column].textContent;
  rows.sort((a, b) => (down ? -1 : 1) * compare(text(a), text(b)));
  body.append(...rows);
}

for (const [column, heading] of [...table.tHead.rows[0].cells].entries()) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  button.addEventListener("click", () => sortBy(heading, column));
  heading.append(button);
}
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();
