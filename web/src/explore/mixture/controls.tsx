/** The run that the mixture is for: its tokens R, the repetition factor k, and the strength λ of the KL term. */
import { parseNumber, parseTokens, significant, tokens } from '../../view/format';
import { memo } from '../../view/memo';
import { edit } from '../state/actions';
import type { Model, Settings } from '../state/types';
import { Dial } from './dial';

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

/** A logarithmic slider from `low` to `high`. */
function logarithmic(low: number, high: number, digits: number) {
  const span = Math.log(high / low);
  return {
    at: (position: number) => rounded(low * Math.exp(position * span), digits),
    position: (value: number) => Math.min(1, Math.max(0, Math.log(value / low) / span)),
  };
}

/** λ: nothing at the left end, then three decades and a half up to 3.2. */
const KL = logarithmic(1e-3, 3.2, 2);

export const Controls = memo(({ settings, model }: { settings: Settings; model: Model }) => {
  const counted = model.mixture.domains.reduce((sum, domain) => sum + (domain.tokens ?? 0), 0);
  const middle = model.settings.target_tokens ?? (counted > 0 ? counted : 1e12);
  const horizon = logarithmic(middle / 30, middle * 30, 3);
  const repetition = logarithmic(1, 64, 2);
  const none = (text: string) => text.trim() === '' || /^(none|no|no limit|off|unlimited|∞)$/i.test(text.trim());
  return (
    <section class="panel controls" aria-label="The run that the mixture is for">
      <Dial
        name="Tokens of the run"
        symbol="R"
        tip="The tokens of the final run that the mixture is for. A domain of few tokens is repeated in a long run: its token cap is k · tokens / R. Write 2T, 800B or 1.5e12."
        value={settings.target_tokens}
        at={horizon.at}
        position={(value) => (value === null ? 0 : horizon.position(value))}
        shown={(value) => (value === null ? 'no limit' : tokens(value))}
        read={(text) => (none(text) ? null : (parseTokens(text) ?? undefined))}
        rule="tokens such as 2T, 800B or 1.5e12; nothing for no limit"
        put={(value) => ({ ...settings, target_tokens: value })}
        says={(value) => (value === null ? 'No limit on tokens' : `A run of ${tokens(value)} tokens`)}
        take={edit}
      />
      <Dial
        name="Repetition factor"
        symbol="k"
        tip="How often the final run may see each token of a domain. Empty: no limit."
        value={settings.repetition}
        at={(position) => (position >= 0.999 ? null : repetition.at(position))}
        position={(value) => (value === null ? 1 : repetition.position(value))}
        shown={(value) => (value === null ? 'no limit' : significant(value))}
        read={(text) => {
          if (none(text)) return null;
          const value = parseNumber(text.replace(/[×x]\s*$/i, ''));
          return value !== null && value > 0 ? value : undefined;
        }}
        rule="a number above 0, such as 4; nothing for no limit"
        put={(value) => ({ ...settings, repetition: value })}
        says={(value) => (value === null ? 'No limit on repetition' : `At most ${significant(value)} epochs`)}
        take={edit}
      />
      <Dial
        name="Pull to the prior"
        symbol="λ"
        tip="The strength of the KL term, in loss per nat: how strongly the mixture is pulled towards the prior. 0 trusts the laws alone."
        value={settings.kl}
        at={(position) => (position < 0.01 ? 0 : KL.at(position))}
        position={(value) => (value ? Math.max(0.01, KL.position(value)) : 0)}
        shown={(value) => significant(value ?? 0)}
        read={(text) => parseNumber(text) ?? undefined}
        rule="a number from 0, such as 0.05"
        put={(value) => ({ ...settings, kl: value ?? 0 })}
        says={(value) => `λ of ${significant(value ?? 0)}`}
        take={edit}
      />
    </section>
  );
});
