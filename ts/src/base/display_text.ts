// Text of strangers on a terminal or a page: nothing in it moves the cursor, reorders its neighbours or hides.
// Layer base. The table of cases that both languages share is testdata/base/display_text.json. Source: IDENTITY, "Text of strangers".

// Lone surrogates, controls, and format characters that are invisible or change the direction of others.
const hidden =
  /[\p{Surrogate}\u{0}-\u{1f}\u{7f}-\u{9f}\u{ad}\u{61c}\u{180e}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e0fff}]/u;
const everyHidden = new RegExp(hidden.source, "gu");
// Without effect on what stands around them, and in use in honest text: emoji, Persian, justified pages.
const dropped = /[\u{ad}\u{200b}-\u{200d}\u{2060}\u{feff}]/u;

/**
 * The text with its hidden characters gone or visible: soft hyphen and zero width ones are dropped, every other one is shown
 * as \u{202e}. `kept`: line feeds and tabs stay, CR LF becomes LF, for text in a block of its own. The result has at most 6
 * characters for one of the text; a caller bounds the text.
 */
export function displayText(text: string, lineBreaks: "shown" | "kept" = "shown"): string {
  const kept = lineBreaks === "kept";
  return (kept ? text.replaceAll("\r\n", "\n") : text).replace(everyHidden, (each) => {
    if (kept && (each === "\n" || each === "\t")) return each;
    return dropped.test(each) ? "" : `\\u{${each.codePointAt(0)!.toString(16)}}`;
  });
}

/** Whether a text has a character that displayText() would drop or show. */
export function hasHiddenCharacters(text: string): boolean {
  return hidden.test(text);
}
