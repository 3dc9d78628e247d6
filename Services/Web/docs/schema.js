// A JSON schema as the JSON that it asks for, with types in the place of values.

const deepest = 6;

/** Text such as `{ "name": string, "ends_at"?: string (date-time) }`. */
export function shape(schema, root, depth = 0) {
  const known = resolve(schema, root);
  if (depth > deepest) return "…";
  if (known.const !== undefined) return JSON.stringify(known.const);
  if (known.enum) return known.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = known.oneOf ?? known.anyOf;
  if (choices) return choices.map((choice) => shape(choice, root, depth + 1)).join(" | ");
  if (known.allOf) return known.allOf.map((part) => shape(part, root, depth)).join(" & ");
  const types = [known.type ?? (known.properties ? "object" : "any")].flat();
  return types.map((type) => ofType(type, known, root, depth)).join(" | ");
}

function ofType(type, schema, root, depth) {
  if (type === "array") return `[${shape(schema.items ?? {}, root, depth + 1)}, …]`;
  if (type !== "object") return schema.format ? `${type} (${schema.format})` : type;
  const members = Object.entries(schema.properties ?? {});
  if (!members.length) return "{ … }";
  const indent = "  ".repeat(depth + 1);
  const lines = members.map(([name, member]) => {
    const mark = schema.required?.includes(name) ? "" : "?";
    return `${indent}"${name}"${mark}: ${shape(member, root, depth + 1)}`;
  });
  return `{\n${lines.join(",\n")}\n${"  ".repeat(depth)}}`;
}

function resolve(schema, root) {
  if (!schema?.$ref) return schema ?? {};
  return schema.$ref.slice(2).split("/").reduce((place, key) => place?.[key], root) ?? {};
}
