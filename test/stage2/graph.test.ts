import fc from "fast-check";
import toposort from "toposort";
import { describe, expect, test } from "vitest";
import { type Node, orderNodes } from "../../stage2/graph/order.ts";

/** Any graph without a loop: node i only needs nodes before it, then the order is shuffled. */
const acyclic = fc.integer({ min: 0, max: 30 }).chain((size) =>
  fc.array(fc.tuple(fc.nat(Math.max(0, size - 1)), fc.nat(Math.max(0, size - 1))), { maxLength: 80 }).chain((edges) => {
    const nodes: Node[] = Array.from({ length: size }, (_, i) => ({
      name: `n${i}`,
      before: [
        ...new Set(
          edges.filter(([a, b]) => size > 0 && Math.max(a, b) === i && a !== b).map(([a, b]) => `n${Math.min(a, b)}`),
        ),
      ],
    }));
    return fc.shuffledSubarray(nodes, { minLength: nodes.length });
  }),
);

describe("orderNodes()", () => {
  test("puts every node after all that it needs, each once, whatever the graph", () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const ordering = orderNodes(nodes);
        if (!ordering.ok) throw new Error(`loop ${ordering.cycle}`);
        const at = new Map(ordering.names.map((name, index) => [name, index]));
        expect(at.size).toBe(nodes.length);
        for (const { name, before } of nodes)
          for (const other of before) expect(at.get(other)).toBeLessThan(at.get(name)!);
      }),
    );
  });

  test("gives the same order for the same nodes in any order", () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        expect(orderNodes(nodes)).toEqual(orderNodes([...nodes].reverse()));
      }),
    );
  });

  test("finds a loop exactly when toposort does, and names a real one whole", () => {
    const any = fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { maxLength: 20 });
    fc.assert(
      fc.property(any, (edges) => {
        const nodes: Node[] = Array.from({ length: 9 }, (_, i) => ({
          name: `n${i}`,
          before: [...new Set(edges.filter(([a]) => a === i).map(([, b]) => `n${b}`))],
        }));
        const ordering = orderNodes(nodes);
        const oracle = (): unknown => toposort(edges.map(([a, b]): [string, string] => [`n${b}`, `n${a}`]));
        if (ordering.ok) expect(oracle).not.toThrow();
        else {
          expect(oracle).toThrow();
          const needs = new Map(nodes.map(({ name, before }) => [name, before]));
          ordering.cycle.forEach((name, index) => {
            expect(needs.get(name)).toContain(ordering.cycle[(index + 1) % ordering.cycle.length]);
          });
        }
      }),
    );
  });

  test("orders a chain 100,000 deep without overflowing the stack", () => {
    const nodes = Array.from({ length: 100_000 }, (_, i) => ({ name: `n${i}`, before: i === 0 ? [] : [`n${i - 1}`] }));
    const ordering = orderNodes(nodes.reverse());
    expect(ordering.ok && ordering.names.at(-1)).toBe("n99999");
  });
});
