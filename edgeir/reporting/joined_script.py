"""Style and script of the joined table; the script finds everything in the table itself, and fetches nothing."""

from __future__ import annotations

__all__ = ["JOINED_SCRIPT", "JOINED_STYLE"]

JOINED_STYLE = """
.joined { margin: 1.6rem 0 0 calc(50% - min(48vw, 52rem)); width: min(96vw, 104rem); }
.joined h2 { border-top: 0; padding-top: 0; }
.filters { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: .8rem 0; }
.filters[hidden] { display: none; }
.filters label { display: grid; gap: .15rem; font-size: .8rem; color: var(--soft); min-width: 0; }
.filters label.check { display: flex; align-items: center; gap: .4rem; min-height: 2.4rem; color: var(--ink);
  font-size: .9rem; }
.filters select, .filters button, .filters input[type=search] { font: inherit; font-size: .9rem; color: var(--ink);
  background: var(--paper); border: 1px solid var(--faint); border-radius: .4rem; padding: .35rem .5rem;
  min-height: 2.4rem; max-width: 100%; }
.filters select { max-width: 16rem; text-overflow: ellipsis; }
.filters button { cursor: pointer; }
.filters input[type=checkbox] { width: 1.15rem; height: 1.15rem; }
.joined output { display: block; font-size: .86rem; color: var(--soft); margin: .2rem 0 .5rem; }
.joined .scroll { max-height: 80vh; overflow: auto; border: 1px solid var(--line); border-radius: .5rem; }
.joined table { width: 100%; }
.joined thead th { position: sticky; top: 0; background: var(--panel); z-index: 2; padding: 0; }
.joined thead th > span, .joined thead button { display: block; width: 100%; padding: .5rem .7rem;
  text-align: inherit; }
.joined thead button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0;
  cursor: pointer; white-space: nowrap; }
.joined thead button::after { content: "\\2195"; opacity: .45; padding-left: .3rem; }
.joined th[aria-sort=ascending] button::after { content: "\\2191"; opacity: 1; }
.joined th[aria-sort=descending] button::after { content: "\\2193"; opacity: 1; }
.joined tbody th { position: sticky; left: 0; background: var(--paper); z-index: 1; color: var(--ink);
  border-right: 1px solid var(--line); vertical-align: middle; min-width: 9rem; max-width: 17rem;
  white-space: normal; padding-left: 1.9rem; text-indent: -1.2rem; }
.joined thead th:first-child { left: 0; z-index: 3; border-right: 1px solid var(--line); }
.joined tr.front td, .joined tr.front th { background: var(--front); }
.joined .star { color: var(--mark); display: inline-block; width: 1.2rem; text-indent: 0; }
.joined .star.none { visibility: hidden; }
.joined td.long { white-space: normal; min-width: 14rem; }
.joined a { color: var(--link); }
.joined :focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: -2px; }
.joined .filters :focus-visible { outline-offset: 1px; }
@media (max-width: 40rem) { .joined { width: auto; margin-left: 0; } .joined tbody th { min-width: 7.5rem;
    max-width: 9.5rem; overflow-wrap: break-word; } .joined td.long { min-width: 11rem; }
  .filters label:not(.check) { flex: 1 1 9rem; } .filters select { width: 100%; } }
@media print { .filters { display: none; } .joined .scroll { max-height: none; } }
"""

JOINED_SCRIPT = """
(() => {
  const root = document.querySelector('.joined');
  const body = root.querySelector('tbody');
  const rows = [...body.rows];
  const heads = [...root.querySelectorAll('thead th')];
  const form = root.querySelector('.filters');
  const said = root.querySelector('output');
  form.hidden = false;
  const show = () => {
    const wanted = [...form.querySelectorAll('select')].filter(one => one.value);
    const words = form.elements.find.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = wanted.some(one => row.dataset[one.name] !== one.value)
        || (form.elements.front.checked && !row.classList.contains('front'))
        || !words.every(word => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    said.textContent = shown + ' of ' + rows.length + ' rows';
  };
  const sort = (index, down) => {
    const numeric = heads[index].classList.contains('n');
    const value = row => numeric
      ? parseFloat(row.cells[index].dataset.v ?? 'NaN') : row.cells[index].textContent.trim();
    const sign = down ? -1 : 1;
    const order = rows.map((row, place) => [value(row), place, row]).sort((a, b) => {
      if (!numeric) return sign * a[0].localeCompare(b[0], 'en', { numeric: true }) || a[1] - b[1];
      const [left, right] = [isNaN(a[0]), isNaN(b[0])];  // what has no figure is last either way
      return left || right ? left - right || a[1] - b[1] : sign * (a[0] - b[0]) || a[1] - b[1];
    });
    body.append(...order.map(entry => entry[2]));
    heads.forEach((head, at) => at === index
      ? head.setAttribute('aria-sort', down ? 'descending' : 'ascending') : head.removeAttribute('aria-sort'));
  };
  heads.forEach((head, index) => {
    const label = head.querySelector('span');
    if (!label || head.dataset.fixed !== undefined) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label.textContent;
    if (label.title) button.title = label.title;
    button.addEventListener('click', () => {
      const now = head.getAttribute('aria-sort');
      sort(index, now ? now === 'ascending' : head.dataset.best === 'high');
    });
    label.replaceWith(button);
  });
  form.addEventListener('input', show);
  form.addEventListener('submit', event => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(show));
  show();
})();
"""
