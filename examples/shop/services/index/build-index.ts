import { readFileSync, writeFileSync } from "node:fs";

interface Product {
  readonly name: string;
}

const { CATALOG_FILE = "", BOOTLACE_STATE = "", BOOTLACE_OUTPUT = "" } = process.env;
const products: Product[] = JSON.parse(readFileSync(CATALOG_FILE, "utf8"));
const index: Record<string, string[]> = {};
for (const { name } of products) {
  for (const word of name.toLowerCase().split(/\s+/)) {
    index[word] = [...(index[word] ?? []), name];
  }
}
writeFileSync(`${BOOTLACE_STATE}/index.json`, JSON.stringify(index));
writeFileSync(BOOTLACE_OUTPUT, `FILE=${BOOTLACE_STATE}/index.json\n`);
console.log(`${Object.keys(index).length} words of ${products.length} products`);
