// The page is whole without this. It makes one table sortable and filterable, and keeps both in the address, so that a
// link shows what was chosen: #text=masks&status=failed&sort=-case
const form = document.querySelector("form.filter");

/// Numbers by their value, with the cells that have none at the end; words by their letters.
function compare(a, b) {
  const number = (text) => (text.startsWith("∞") ? Infinity : parseFloat(text));
  const [x, y] = [number(a), number(b)];
  if (Number.isNaN(x) && Number.isNaN(y)) return a.localeCompare(b);
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return x === y ? 0 : x - y;
}

class FilteredTable {
  constructor(form) {
    this.form = form;
    this.table = document.getElementById(form.dataset.table);
    this.body = this.table.tBodies[0];
    this.rows = [...this.body.rows];
    this.headings = [...this.table.querySelectorAll("th[data-sort]")];
    this.sort = "";  // a heading's key; after a minus the other way round
    for (const heading of this.headings) this.addButton(heading);
    form.hidden = false;
    form.addEventListener("input", () => this.changed());
    form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("hashchange", () => this.readAddress());
    this.readAddress();
  }

  addButton(heading) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => {
      const key = heading.dataset.sort;
      this.sort = this.sort === key ? "-" + key : key;
      this.changed();
    });
    heading.append(button);
  }

  controls() {
    return [...this.form.elements].filter((control) => control.name);
  }

  readAddress() {
    if (location.hash && !location.hash.includes("=")) return this.show();
    const address = new URLSearchParams(location.hash.slice(1));
    for (const control of this.controls()) control.value = address.get(control.name) ?? "";
    this.sort = address.get("sort") ?? "";
    this.show();
  }

  changed() {
    const address = new URLSearchParams();
    for (const { name, value } of this.controls()) if (value) address.set(name, value);
    if (this.sort) address.set("sort", this.sort);
    history.replaceState(null, "", "#" + address);
    this.show();
  }

  isWanted(row) {
    const text = row.textContent.toLowerCase();
    return this.controls().every(({ name, value }) =>
      name === "text" ? value.toLowerCase().split(/\s+/).every((word) => text.includes(word))
        : value === "" || row.dataset[name] === value);
  }

  show() {
    let count = 0;
    for (const row of this.rows) count += (row.hidden = !this.isWanted(row)) ? 0 : 1;
    this.form.querySelector("output").textContent = `${count} of ${this.rows.length} ${this.form.dataset.rows}`;
    this.putInOrder();
  }

  putInOrder() {
    const down = this.sort.startsWith("-");
    const heading = this.headings.find(({ dataset }) => dataset.sort === (down ? this.sort.slice(1) : this.sort));
    for (const other of this.headings) other.removeAttribute("aria-sort");
    if (!heading) return this.body.append(...this.rows);
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const text = (row) => row.cells[heading.dataset.column].textContent;
    this.body.append(...[...this.rows].sort((a, b) => (down ? -1 : 1) * compare(text(a), text(b))));
  }
}

if (form) new FilteredTable(form);
