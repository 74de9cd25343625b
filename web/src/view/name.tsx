/** A name from outside, which may break after its separators. */

export function Name({ of }: { of: string }) {
  const parts = of.split(/(?<=[:_/.])/u);
  return (
    <>
      {parts.map((part, i) => (
        <>
          {i > 0 && <wbr />}
          {part}
        </>
      ))}
    </>
  );
}
