/** Components that are drawn again only where a property changed. */
import { Component, type ComponentChildren, type VNode, h } from 'preact';

/** A component of `draw` that compares its properties with `===`. */
export function memo<P extends object>(draw: (props: P) => VNode | null): (props: P & { children?: ComponentChildren }) => VNode {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const before = this.props as Record<string, unknown>;
      const after = next as Record<string, unknown>;
      for (const key in after) if (after[key] !== before[key]) return true;
      for (const key in before) if (!(key in after)) return true;
      return false;
    }
    render() {
      return draw(this.props as P);
    }
  }
  return (props) => h(Memo as never, props as never);
}
