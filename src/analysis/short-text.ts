/** @returns so many code points of a text at most: no character is halved, and lone surrogates are replaced */
export function shortText(text: string, characters: number): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.length <= characters ? whole : [...whole].slice(0, characters).join('');
}
