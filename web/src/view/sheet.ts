/** Style sheets of a page under a strict Content-Security-Policy: constructed, so that no inline style is needed. */

/** Adopts CSS text for the whole document; sheets keep the order in which they were adopted. */
export function adopt(...texts: string[]): void {
  const sheets = texts.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, ...sheets];
}
