// The public API of all services on one page, made of their OpenAPI descriptions.

import { h, fill } from "/console/dom.js";
import { failure, waiting } from "/console/views/states.js";
import { shape } from "./schema.js";

const services = ["client", "campaign", "event", "referral", "reward", "analytics", "notification", "workflow"];
const methods = ["get", "put", "post", "delete", "patch", "head"];

const main = h("main.content", { id: "content", tabindex: "-1" }, h("h1", "Grapevine API"));
const filter = h("input", { type: "search", placeholder: "Filter: rewards, POST, /v1/sdk …", "aria-label": "Filter operations" });
filter.addEventListener("input", () => narrow(filter.value));
fill(document.getElementById("app"), side(), main);
main.append(
  h("p.quiet", "What clients, their websites and platform staff may call, through the gateway. Each description is also at ",
    h("code", "/openapi/<service>.json"), ". Errors are problem documents (RFC 9457) with a stable ", h("code", "code"), "."),
  filter);
for (const name of services) main.append(section(name));

function side() {
  return h(
    "aside.side",
    h("a.brand", { href: "/console/" }, h("img", { src: "/console/grape.svg", alt: "", width: 28, height: 28 }), "Grapevine"),
    h("nav", { "aria-label": "Services" }, h("h2", "Services"),
      h("ul", services.map((name) => h("li", h("a.campaign", { href: `#${name}` }, `${name}-service`))))));
}

function section(name) {
  const body = h("div.operations", waiting(2));
  load(name, body);
  return h("section", { id: name, "aria-label": `${name}-service` }, h("h2", `${name}-service`), body);
}

async function load(name, body) {
  try {
    const response = await fetch(`/openapi/${name}.json`);
    if (!response.ok) throw new Error(`The description could not be read (${response.status}).`);
    const description = await response.json();
    fill(body, h("p.quiet", description.info.description ?? ""), operations(description));
    narrow(filter.value);
  } catch (error) {
    fill(body, failure(error, () => load(name, body)));
  }
}

function operations(description) {
  return Object.entries(description.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) =>
      operation(method.toUpperCase(), path, item[method], item.parameters ?? [], description)));
}

function operation(method, path, { summary, description, parameters = [], requestBody, responses, security }, common, root) {
  const all = [...common, ...parameters].map((parameter) => resolve(parameter, root));
  return h(
    "details.card.operation", { "data-text": `${method} ${path} ${summary}`.toLowerCase() },
    h("summary", h(`span.method.${method.toLowerCase()}`, method), h("code", path), h("span.quiet", summary)),
    description && h("p", description),
    security?.length ? h("p.quiet", "Credential: ", security.map((way) => Object.keys(way).join(" and ") || "none").join(", or ")) : h("p.quiet", "No credential."),
    all.length > 0 && h("h3", "Parameters"),
    all.length > 0 && h("ul.parameters", all.map((parameter) => h(
      "li", h("code", parameter.name), ` in ${parameter.in}${parameter.required ? ", required" : ""}`,
      parameter.description && h("span.quiet", ` ${parameter.description}`)))),
    requestBody && [h("h3", "Body"), content(resolve(requestBody, root), root)],
    h("h3", "Answers"),
    Object.entries(responses).map(([status, answer]) => {
      const known = resolve(answer, root);
      return h("div.answer", h("p", h("code", status), ` ${known.description ?? ""}`), Number(status) < 300 && content(known, root));
    }));
}

function content(body, root) {
  const [[type, { schema } = {}] = []] = Object.entries(body.content ?? {});
  return schema ? h("pre", { "aria-label": type, tabindex: "0" }, shape(schema, root)) : null;
}

function resolve(value, root) {
  if (!value?.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((place, key) => place?.[key], root) ?? {};
}

function narrow(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const element of document.querySelectorAll(".operation")) {
    element.hidden = !words.every((word) => element.dataset.text.includes(word));
  }
  for (const element of document.querySelectorAll("section")) {
    element.hidden = words.length > 0 && !element.querySelector(".operation:not([hidden])");
  }
}
