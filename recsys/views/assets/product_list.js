// A list of products that a mouse, a finger and a keyboard can use. Every text is set as text, never as markup.
const make = (kind, parent, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text) made.textContent = text;
  parent.append(made);
  return made;
};

const tile = (row, parent) => {
  const box = make("span", parent, "tile");
  box.setAttribute("aria-hidden", "true");
  const initial = () => {
    box.replaceChildren();
    box.textContent = row.initial;
    box.style.background = row.colour;
    box.style.color = row.ink;
  };
  if (!row.image) return initial();
  const image = make("img", box);
  image.alt = "";
  image.loading = "lazy";
  image.referrerPolicy = "no-referrer";
  image.onerror = initial;
  image.src = row.image;
};

const facts = (row, parent) => {
  const line = make("div", parent, "facts");
  for (const fact of row.facts) make("span", line, "", fact);
  if (row.meter !== null) {
    const meter = make("span", line, "meter");
    meter.title = row.meter.help;
    make("span", meter, "", `${row.meter.name} ${row.meter.text}`);
    const bar = make("span", meter, "bar");
    bar.setAttribute("aria-hidden", "true");
    make("span", bar).style.width = `${row.meter.share}%`;
  }
};

const named = (row) => `${row.first}${row.second ? `, ${row.second}` : ""}`;

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector("ol");
  const tell = (action, row, to = null) => setTriggerValue("did", { action, item: row.id, to });
  const before = parentElement.activeElement ?? parentElement.getRootNode().activeElement;
  const focused = before?.dataset?.focus;
  list.setAttribute("aria-label", data.label);
  list.style.maxHeight = data.height ? `${data.height}px` : "none";
  list.tabIndex = data.height ? 0 : -1;
  list.replaceChildren();
  data.rows.forEach((row, at) => {
    const line = make("li", list, row.strong ? "strong" : "");
    if (row.place !== null) make("span", line, "place", String(row.place));
    tile(row, line);
    const words = make("div", line, "words");
    const title = make(data.link ? "a" : "span", words, "first", row.first);
    title.title = named(row);
    if (data.link) {
      title.href = `${data.link}${encodeURIComponent(row.id)}`;
      title.dataset.focus = `${row.id} open`;
      title.onclick = (click) => {
        if (click.ctrlKey || click.metaKey || click.shiftKey) return;
        click.preventDefault();
        tell("open", row);
      };
    }
    if (row.second) make("span", words, "second", row.second).title = row.second;
    facts(row, words);
    if (row.note) make("div", words, "note", row.note);
    const side = make("div", line, "side");
    for (const mark of row.marks) make("span", side, `mark ${mark.kind}`, mark.text).title = mark.help;
    if (row.actions.length) {
      const buttons = make("div", side, "buttons");
      for (const name of row.actions) {
        const how = data.actions[name];
        const button = make("button", buttons, how.on?.includes(row.id) ? "on" : "", how.label);
        button.type = "button";
        button.title = how.help;
        button.dataset.focus = `${row.id} ${name}`;
        button.setAttribute("aria-label", `${how.help}: ${named(row)}`);
        button.onclick = () => tell(name, row);
      }
    }
    if (data.order) {
      line.draggable = true;
      line.ondragstart = (drag) => {
        drag.dataTransfer.setData("text/plain", row.id);
        drag.dataTransfer.effectAllowed = "move";
      };
      line.ondragover = (drag) => {
        drag.preventDefault();
        line.classList.add("over");
      };
      line.ondragleave = () => line.classList.remove("over");
      line.ondrop = (drag) => {
        drag.preventDefault();
        line.classList.remove("over");
        const dragged = data.rows.find((other) => other.id === drag.dataTransfer.getData("text/plain"));
        if (dragged && dragged.id !== row.id) tell("place", dragged, at);
      };
    }
  });
  if (focused) list.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}
