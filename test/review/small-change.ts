import { readPatch } from '@bzzz/agents'
import type { ChangeSet } from '@bzzz/protocols'
import type { Quotes } from './model-server.ts'

/** Three lines with one thing in them that a reviewer has to find. */
export function smallChange(repository = 'shop'): ChangeSet {
  const patch = `diff --git a/price.js b/price.js
new file mode 100644
--- /dev/null
+++ b/price.js
@@ -0,0 +1,3 @@
+export function price(formula) {
+  return eval(formula)
+}
`
  return readPatch(patch, { repository })
}

/** What reviewers say of it. */
export const quotes: Quotes = {
  file: 'price.js',
  line: 2,
  real: 'return eval(formula)',
  invented: 'return parse(formula)',
}
