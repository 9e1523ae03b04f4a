// The grammar and the keys on one page, in the card's column.

import { HELP } from "../locale/help.ts";
import { useLanguage } from "../locale/index.ts";
import { closePanel } from "./perform.ts";
import { VERBS } from "./words.ts";
import type { Verb } from "./words.ts";

/** `d · pj · 派`: the short words; the long Chinese ones are in the description. */
const wordsOf = (verb: Verb): string =>
  verb === "priority" ? "p1–p4" : VERBS[verb].slice(0, 3).join(" · ");

export default function Help() {
  const help = HELP[useLanguage()];
  const verbs = Object.entries(help.verbs) as [Verb, [string, string]][];
  return (
    <section className="card help" data-scrolls="y" aria-label={help.title} tabIndex={0}>
      <header className="card-head open-head">
        <h2>{help.title}</h2>
        <button type="button" className="small" onClick={closePanel}>
          {help.close} <kbd>Esc</kbd>
        </button>
      </header>
      <p className="muted">{help.intro}</p>
      <h3>{help.verbsTitle}</h3>
      <table>
        <tbody>
          {verbs.map(([verb, [does, example]]) => (
            <tr key={verb}>
              <th scope="row">{wordsOf(verb)}</th>
              <td>{does}</td>
              <td>
                <code>{example}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>{help.tokensTitle}</h3>
      <table>
        <tbody>
          {help.tokens.map(([token, means]) => (
            <tr key={token}>
              <th scope="row">{token}</th>
              <td colSpan={2}>{means}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>{help.keysTitle}</h3>
      <table>
        <tbody>
          {help.keys.map(([key, does]) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td colSpan={2}>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
