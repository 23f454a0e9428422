"use strict";
// The table of lesions: headings sort; a row, or a number in a picture, is chosen by mouse or keyboard.
// The panel below then shows the row's pictures, large, and `chosen` is called with the number.
function lesionTable(chosen) {
  const table = document.querySelector("table");
  const body = table.tBodies[0];

  // Sorting: numbers by value, unknown ones last.
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const first = column === 0 ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((h) => h.hasAttribute("aria-sort") && h.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      const key = (row) => {
        const value = row.cells[column].dataset.value;
        return value === "" || value === undefined ? null : Number(value);
      };
      const sign = order === "ascending" ? 1 : -1;
      [...body.rows]
        .sort((a, b) => {
          const [x, y] = [key(a), key(b)];
          if (x === null || y === null) return (x === null) - (y === null);
          return sign * (x - y);
        })
        .forEach((row) => body.append(row));
    });
  });

  // One row is a stop of the tab key; arrow keys go on from it.
  const rowOf = (number) => [...body.rows].find((r) => r.dataset.lesion === number);
  function reach(row) {
    for (const other of body.rows) other.tabIndex = other === row ? 0 : -1;
  }
  if (body.rows.length) reach(body.rows[0]);

  // Choosing a lesion: in the table, in the pictures, by keyboard.
  function choose(number) {
    for (const row of body.rows) {
      row.setAttribute("aria-selected", String(row.dataset.lesion === number));
    }
    reach(rowOf(number));
    document.querySelectorAll(".mark").forEach((mark) => {
      mark.classList.toggle("chosen", mark.dataset.lesion === number);
    });
    const row = rowOf(number);
    const pictures = row ? [...row.querySelectorAll(".seen img")] : [];
    const panel = document.getElementById("chosen");
    panel.hidden = pictures.length === 0;
    if (pictures.length) {
      panel.querySelectorAll("img").forEach((large, k) => {
        large.src = pictures[k].src;
        large.alt = pictures[k].alt;
      });
      document.getElementById("chosen-number").textContent = number;
    }
    chosen(number);
  }
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) choose(row.dataset.lesion);
  });
  body.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    if (!row) return;
    if (event.key === "Enter" || event.key === " ") choose(row.dataset.lesion);
    else {
      const keys = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling,
        Home: body.rows[0], End: body.rows[body.rows.length - 1] };
      if (!(event.key in keys)) return;
      if (keys[event.key]) {
        reach(keys[event.key]);
        keys[event.key].focus();
      }
    }
    event.preventDefault();
  });
  document.querySelectorAll(".mark").forEach((mark) => {
    mark.addEventListener("click", () => choose(mark.dataset.lesion));
  });
  return choose;
}
