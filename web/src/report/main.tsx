/** The script of `report.html`: what the page can do where scripts run. Without scripts, the page is complete as it stands. */
import { render } from 'preact';
import { hintAll } from '../view/scroll';
import { Copies } from './copies';
import { pageData } from './data';
import { Panel } from './panel';
import { Fitted } from './question';
import { enliven } from './tables';
import { tips } from './tips';

function start(): void {
  const data = pageData();
  const place = document.getElementById('what-if');
  if (place && data?.answers && data.mixture) {
    place.hidden = false;
    place.setAttribute('aria-labelledby', 'try');
    render(<Panel fitted={new Fitted(data.mixture, data.answers)} />, place);
  } else if (place && data?.weights) {
    const { domains, weights, why } = data;
    const shares = () => domains.map((domain, j) => ({ domain, weight: weights[j]!, tokens: null, epochs: null }));
    place.hidden = false;
    render(
      <>
        {why && <p class="note">{why}</p>}
        <p class="bar">
          <Copies shares={shares} />
        </p>
      </>,
      place,
    );
  }
  enliven(document);
  hintAll(document);
  if (data) tips(data);
}

start();
