// The control of the one setting that a class varies, what it says, and a config in which it is said.

import { element, number } from "./dom.js";

/** @import { Config, Setting } from "./class.d.ts" */

/**
 * The value that a text stands for; undefined where it is none. Limits are the server's to check.
 * @param {Setting} setting
 * @param {string} text
 */
export function read({ kind, whole, choices, optional }, text) {
  const said = text.trim();
  if (!said && optional) return null;
  if (kind === "choice") return choices.some(([key]) => key === said) ? said : undefined;
  if (!said) return undefined;
  const value = Number(said.replace(",", "."));
  return Number.isFinite(value) && !(whole && !Number.isInteger(value)) ? value : undefined;
}

/**
 * A value in words, as the setting's control calls it.
 * @param {Setting} setting
 * @param {unknown} value
 */
export function valueWords({ choices, kind }, value) {
  if (value === null || value === undefined) return "default";
  if (kind === "switch") return value ? "on" : "off";
  if (typeof value === "number") return number(value);
  return choices.find(([key]) => key === value)?.[1] ?? String(value);
}

/**
 * What a config says at a path with dots.
 * @param {Config} config
 * @param {string} path
 * @returns {unknown}
 */
export const at = (config, path) =>
  path
    .split(".")
    .reduce((/** @type {any} */ node, name) => (node && typeof node === "object" ? node[name] : undefined), config);

/**
 * The same config with another value at a path.
 * @param {Config} config
 * @param {string} path
 * @param {unknown} value
 * @returns {Config}
 */
export function varied(config, path, value) {
  const [name, ...rest] = path.split(".");
  const own = /** @type {Config} */ (config[name]);
  return { ...config, [name]: rest.length ? varied(own, rest.join("."), value) : value };
}

/**
 * A control that begins with a value, and a function that tells what it says.
 * @param {Setting} setting
 * @param {unknown} value
 */
export function control(setting, value) {
  const { kind, choices, optional, whole } = setting;
  if (kind === "switch") {
    const box = element("input");
    Object.assign(box, { type: "checkbox", checked: Boolean(value) });
    return { node: box, said: () => /** @type {unknown} */ (box.checked) };
  }
  if (kind === "choice") {
    const select = element("select");
    const none = optional ? [new Option("default", "")] : [];
    select.append(...none, ...choices.map(([key, title]) => new Option(title, key)));
    select.value = String(value ?? "");
    return { node: select, said: () => read(setting, select.value) };
  }
  const field = element("input");
  Object.assign(field, { type: "text", inputMode: whole ? "numeric" : "decimal", maxLength: 24, autocomplete: "off" });
  field.value = value === null || value === undefined ? "" : String(value);
  return { node: field, said: () => read(setting, field.value) };
}
