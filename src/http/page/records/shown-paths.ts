// Which fields of JSON a list shows: paths with commas between them, as in `$.order.id, $.order.status, key.customer`. Pure.
// Leaves to others: what is at a path (services/records/record-fields.ts), the field of the form (records-form.ts).

/** The paths of a text. A comma in brackets, as in `$["a,b"]`, is part of a path. */
export function shownPaths(text: string): string[] {
  const paths: string[] = [];
  let path = "";
  let quote = "";
  let isInBrackets = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (quote !== "") {
      if (character === quote) quote = "";
      else if (character === "\\" && quote === '"') path += text[i++]!;
    } else if (isInBrackets && (character === '"' || character === "'")) quote = character;
    else if (character === "[") isInBrackets = true;
    else if (character === "]") isInBrackets = false;
    else if (character === "," && !isInBrackets) {
      paths.push(path);
      path = "";
      continue;
    }
    path += text[i] ?? "";
  }
  return [...paths, path].map((each) => each.trim()).filter((each) => each !== "");
}
