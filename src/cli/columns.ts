/**
 * Characters that a terminal draws two columns wide: those of East Asian scripts with their punctuation, and emoji. Where terminals
 * differ the wider answer is taken: a line that is too short does no harm, one that breaks does.
 */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\u3200-\u33ff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/u;
/** Marks that are drawn onto the character before them. The selector of an emoji's form is none: it may make that one wide. */
const MARK = /(?!\ufe0f)[\p{Mn}\p{Me}]/u;

/** How many columns of a terminal the text takes at most. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** The text if it fits into `room` columns, else its beginning and `…`. No character is cut in two. */
export function shortened(text: string, room: number): string {
  let columns = 0;
  let at = 0;
  let end = 0;
  for (const character of text) {
    columns += widthOf(character);
    if (columns > room) return room < 2 ? '' : `${text.slice(0, end)}…`;
    at += character.length;
    if (columns < room) end = at;
  }
  return text;
}

function widthOf(character: string): number {
  if (character <= '~') return 1;
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
