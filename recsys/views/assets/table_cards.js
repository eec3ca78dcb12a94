// The rows of a table as cards, on a phone alone. Every text is set as text, never as markup.
const narrow = window.matchMedia("(max-width: 640px)");
const listeners = new WeakMap();

const make = (kind, parent, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text) made.textContent = text;
  parent.append(made);
  return made;
};

const button = (parent, name, text, focus, pressed) => {
  const made = make("button", parent, name, text);
  made.type = "button";
  made.dataset.focus = focus;
  made.onclick = pressed;
  return made;
};

const facts = (card, parent) => {
  const list = make("dl", parent);
  for (const fact of card.facts) {
    const pair = make("div", list, fact.title.length + fact.text.length > 22 ? "long" : "");
    pair.title = fact.help;
    make("dt", pair, "", fact.title);
    make("dd", pair, "", fact.text);
  }
};

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const list = parentElement.querySelector("ol");
  const more = parentElement.querySelector(".rest");
  const focused = (parentElement.activeElement ?? parentElement.getRootNode().activeElement)?.dataset?.focus;

  const draw = () => {
    list.replaceChildren();
    more.replaceChildren();
    if (!narrow.matches) return;
    list.setAttribute("aria-label", data.label);
    for (const card of data.cards) {
      const chosen = data.chosen.includes(card.row);
      const line = make("li", list, chosen ? "chosen" : "");
      const head = make("div", line, "head");
      make("span", head, "title", card.title);
      if (data.action) {
        const pressed = () => setTriggerValue("pressed", card.row);
        const action = button(head, chosen ? "on" : "", data.action, String(card.row), pressed);
        action.setAttribute("aria-label", `${data.action}: ${card.title}`);
        action.setAttribute("aria-pressed", String(chosen));
      }
      if (card.facts.length) facts(card, line);
    }
    const left = data.of - data.cards.length;
    if (left > 0) {
      const text = left > data.step ? `Show ${data.step} more of ${left}` : `Show the other ${left}`;
      button(more, "more", text, "more", () => setStateValue("shown", data.cards.length + data.step));
    }
  };

  narrow.removeEventListener("change", listeners.get(list));
  listeners.set(list, draw);
  narrow.addEventListener("change", draw);
  draw();
  if (focused) parentElement.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  return () => narrow.removeEventListener("change", listeners.get(list));
}
