// Builds elements. Text is always a text node: nothing that comes from a server is read as HTML.

const svgNamespace = "http://www.w3.org/2000/svg";

/** h("a.button", {href: "#/"}, "Home"): an element with attributes, listeners (onclick) and children. */
export function h(selector, ...rest) {
  return build((name) => document.createElement(name), selector, rest);
}

/** As `h`, in the namespace of SVG. */
export function svg(selector, ...rest) {
  return build((name) => document.createElementNS(svgNamespace, name), selector, rest);
}

function build(create, selector, rest) {
  const [name, ...classes] = selector.split(".");
  const element = create(name || "div");
  if (classes.length) element.setAttribute("class", classes.join(" "));
  const [first] = rest;
  const attributes = isAttributes(first) ? rest.shift() : {};
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...rest.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function isAttributes(value) {
  return value !== null && typeof value === "object" && !(value instanceof Node) && !Array.isArray(value);
}

/** Puts the children in the place of whatever the element held. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(3).filter(Boolean));
  return element;
}
