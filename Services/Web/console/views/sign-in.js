import { h, fill } from "../dom.js";
import * as session from "../session.js";

export function signInPage() {
  const message = h("p.message", { role: "alert", "aria-live": "assertive" });
  const email = field("email", "E-mail", { type: "email", autocomplete: "username", inputmode: "email" });
  const password = field("password", "Password", { type: "password", autocomplete: "current-password" });
  const button = h("button.primary", { type: "submit" }, "Sign in");
  const form = h(
    "form.card.sign-in", { novalidate: true, "aria-labelledby": "sign-in-title" },
    h("img", { src: "grape.svg", alt: "", width: 44, height: 44 }),
    h("h1", { id: "sign-in-title" }, "Sign in to Grapevine"),
    h("p.quiet", "See what your campaigns do, live."),
    email, password, message, button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [mail, secret] = [email, password].map((part) => part.querySelector("input"));
    if (!mail.value.includes("@")) return refuse(message, mail, "Enter your e-mail address.");
    if (!secret.value) return refuse(message, secret, "Enter your password.");
    button.disabled = true;
    fill(message, "");
    try {
      await session.signIn(mail.value.trim(), secret.value);
    } catch (error) {
      const words = error.status ? error.message : "The server cannot be reached. Try again in a moment.";
      refuse(message, secret, words);
      secret.select();
    } finally {
      button.disabled = false;
    }
  });
  return h("main.door", { id: "content" }, form);
}

function field(name, label, attributes) {
  return h(
    "label.field", h("span", label),
    h("input", { name, required: true, spellcheck: "false", autocapitalize: "none", ...attributes }));
}

function refuse(message, input, words) {
  fill(message, words);
  input.focus();
}
