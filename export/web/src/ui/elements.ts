/** The page's elements by id, with their types. */

export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

export function show(target: HTMLElement, visible: boolean): void {
  target.hidden = !visible;
}

/** Files of an `<input type="file">` that is opened by a button. */
export function picked(id: string): Promise<File[]> {
  const input = element<HTMLInputElement>(id);
  return new Promise((resolve) => {
    input.value = "";
    input.onchange = () => resolve([...(input.files ?? [])]);
    input.oncancel = () => resolve([]);
    input.click();
  });
}
