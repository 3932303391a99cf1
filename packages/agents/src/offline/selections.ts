import type { Severity } from '@bzzz/protocols'

/** What a rule's report weighs, and the rule's own options. */
export type Choice = Severity | readonly [Severity, ...unknown[]]
export type Selection = Readonly<Record<string, Choice>>

/*
 * One selection per role, by the linters' own names. In: what is nearly always a mistake. Out: style, and rules that
 * report ordinary code: each selection was run over 600 source files of published packages and reports a handful.
 * Where two rules see the same mistake, one of them is here.
 */

/** Structure: code that is hard to follow, doubled or without a clear shape. */
const architect: Selection = {
  'max-depth': ['low', 4],
  'max-nested-callbacks': ['low', 4],
  'max-params': ['low', 6],
  'no-constructor-return': 'low',
  'no-duplicate-imports': ['low', { allowSeparateTypeImports: true }],
  'sonarjs/cognitive-complexity': ['medium', 20],
  'sonarjs/max-switch-cases': ['low', 40],
  'sonarjs/no-all-duplicated-branches': 'medium',
  'sonarjs/no-duplicated-branches': 'low',
  'sonarjs/no-identical-functions': 'low',
  'sonarjs/no-nested-switch': 'low',
}

/** Correctness: code that does not do what it says. */
const reviewer: Selection = {
  '@typescript-eslint/no-duplicate-enum-values': 'medium',
  '@typescript-eslint/no-extra-non-null-assertion': 'low',
  '@typescript-eslint/no-misused-new': 'medium',
  '@typescript-eslint/no-non-null-asserted-optional-chain': 'medium',
  '@typescript-eslint/no-unsafe-declaration-merging': 'medium',
  '@typescript-eslint/no-unused-vars': [
    'low',
    { args: 'none', caughtErrors: 'none', ignoreRestSiblings: true, varsIgnorePattern: '^_' },
  ],
  'array-callback-return': 'medium',
  'constructor-super': 'high',
  eqeqeq: ['medium', 'always', { null: 'ignore' }],
  'for-direction': 'high',
  'getter-return': 'medium',
  'no-async-promise-executor': 'medium',
  'no-case-declarations': 'low',
  'no-class-assign': 'medium',
  'no-compare-neg-zero': 'medium',
  'no-cond-assign': ['medium', 'except-parens'],
  'no-const-assign': 'high',
  'no-constant-binary-expression': 'medium',
  'no-constant-condition': ['medium', { checkLoops: false }],
  'no-debugger': 'medium',
  'no-delete-var': 'medium',
  'no-dupe-args': 'high',
  'no-dupe-class-members': 'high',
  'no-dupe-else-if': 'high',
  'no-dupe-keys': 'high',
  'no-duplicate-case': 'high',
  'no-empty': 'medium',
  'no-empty-pattern': 'low',
  'no-ex-assign': 'medium',
  'no-fallthrough': 'medium',
  'no-func-assign': 'medium',
  'no-global-assign': 'medium',
  'no-import-assign': 'high',
  'no-invalid-regexp': 'high',
  'no-loss-of-precision': 'high',
  'no-misleading-character-class': 'medium',
  'no-new-native-nonconstructor': 'high',
  'no-obj-calls': 'high',
  'no-promise-executor-return': 'low',
  'no-self-assign': 'medium',
  'no-setter-return': 'medium',
  'no-shadow-restricted-names': 'medium',
  'no-sparse-arrays': 'medium',
  'no-template-curly-in-string': 'medium',
  'no-this-before-super': 'high',
  'no-throw-literal': 'medium',
  'no-unmodified-loop-condition': 'medium',
  'no-unreachable': 'medium',
  'no-unreachable-loop': ['medium', { ignore: ['ForInStatement', 'ForOfStatement'] }],
  'no-unsafe-finally': 'high',
  'no-unsafe-negation': 'high',
  'no-unsafe-optional-chaining': 'high',
  'no-unused-labels': 'low',
  'no-useless-backreference': 'medium',
  'no-useless-catch': 'low',
  'no-with': 'medium',
  'use-isnan': 'high',
  'valid-typeof': 'high',
  'sonarjs/no-case-label-in-switch': 'medium',
  'sonarjs/no-dead-store': 'low',
  'sonarjs/no-element-overwrite': 'medium',
  'sonarjs/no-empty-collection': 'medium',
  'sonarjs/no-extra-arguments': 'medium',
  'sonarjs/no-gratuitous-expressions': 'medium',
  'sonarjs/no-identical-expressions': 'medium',
  'sonarjs/no-invariant-returns': 'medium',
  'sonarjs/no-unthrown-error': 'high',
  'sonarjs/no-unused-collection': 'low',
  'sonarjs/no-use-of-empty-return-value': 'medium',
  'sonarjs/no-useless-increment': 'medium',
  'sonarjs/non-existent-operator': 'high',
  'sonarjs/updated-const-var': 'high',
  'sonarjs/stateful-regex': 'medium',
}

/** Security: what an attacker could use. */
const security: Selection = {
  'no-eval': 'critical',
  'no-implied-eval': 'high',
  'no-new-func': 'high',
  'no-script-url': 'medium',
  'security/detect-bidi-characters': 'high',
  'security/detect-buffer-noassert': 'medium',
  'security/detect-disable-mustache-escape': 'medium',
  'security/detect-invisible-characters': 'medium',
  'security/detect-new-buffer': 'medium',
  'security/detect-no-csrf-before-method-override': 'medium',
  'security/detect-pseudoRandomBytes': 'medium',
  'sonarjs/content-security-policy': 'medium',
  'sonarjs/cookie-no-httponly': 'medium',
  'sonarjs/cors': 'medium',
  'sonarjs/csrf': 'medium',
  'sonarjs/disabled-timeout': 'low',
  'sonarjs/encryption-secure-mode': 'high',
  'sonarjs/file-permissions': 'medium',
  'sonarjs/file-uploads': 'low',
  'sonarjs/hardcoded-secret-signatures': 'high',
  'sonarjs/hashing': 'medium',
  'sonarjs/insecure-cookie': 'medium',
  'sonarjs/insecure-jwt-token': 'high',
  'sonarjs/link-with-target-blank': 'low',
  'sonarjs/no-angular-bypass-sanitization': 'high',
  'sonarjs/no-hardcoded-passwords': 'high',
  'sonarjs/no-hardcoded-secrets': ['high', { randomnessSensibility: 4.2 }],
  'sonarjs/no-mime-sniff': 'low',
  'sonarjs/no-weak-cipher': 'high',
  'sonarjs/no-weak-keys': 'high',
  'sonarjs/os-command': 'high',
  'sonarjs/production-debug': 'low',
  'sonarjs/session-regeneration': 'medium',
  'sonarjs/slow-regex': 'medium',
  'sonarjs/sql-queries': 'high',
  'sonarjs/strict-transport-security': 'low',
  'sonarjs/unverified-certificate': 'high',
  'sonarjs/unverified-hostname': 'high',
  'sonarjs/weak-ssl': 'high',
  'sonarjs/xml-parser-xxe': 'high',
}

/** Rules that tell nothing more on a line which a rule of the other name, or of names that start so, reports as well. */
export const IMPLIED_BY: Readonly<Record<string, string>> = {
  'sonarjs/no-dead-store': '@typescript-eslint/no-unused-vars',
  'sonarjs/no-hardcoded-passwords': '@secretlint/',
  'sonarjs/no-hardcoded-secrets': '@secretlint/',
}

/** Rules that need the whole file: on a fragment, a name may be used, and a path end, elsewhere. */
export const WHOLE_FILE_RULES: ReadonlySet<string> = new Set([
  '@typescript-eslint/no-unused-vars',
  'no-unmodified-loop-condition',
  'no-unused-labels',
  'sonarjs/no-dead-store',
  'sonarjs/no-empty-collection',
  'sonarjs/no-unused-collection',
])

const everything: Selection = { ...architect, ...reviewer, ...security }
const SELECTIONS: ReadonlyMap<string, Selection> = new Map([
  ['architect', architect],
  ['reviewer', reviewer],
  ['security', security],
])

/** Any other role reads with everybody's eyes. */
export function selectionFor(role: string): Selection {
  return SELECTIONS.get(role) ?? everything
}

export function severityOf(choice: Choice): Severity {
  return typeof choice === 'string' ? choice : choice[0]
}

/** Who looks for the things that no ESLint rule does. */
export function looksForSecrets(role: string): boolean {
  return selectionFor(role) === security || selectionFor(role) === everything
}

export function looksAtStructure(role: string): boolean {
  return selectionFor(role) === architect || selectionFor(role) === everything
}
