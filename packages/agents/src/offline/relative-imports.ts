import type { Rule } from 'eslint'

/** The part of an import or export declaration that matters here, as typescript-eslint's parser gives it. */
interface ModuleReference {
  readonly importKind?: 'type' | 'value'
  readonly exportKind?: 'type' | 'value'
  readonly specifiers?: readonly { readonly importKind?: 'type' | 'value' }[]
  readonly source?: { readonly value: unknown; readonly loc: Rule.Node['loc'] } | null
}

/** Not a rule that judges: reports every relative import that stays in the compiled program, its specifier as message. */
export const relativeImports: Rule.RuleModule = {
  create(context) {
    const visit = (node: Rule.Node): void => {
      const { source } = node as ModuleReference
      if (typeof source?.value !== 'string' || !source.value.startsWith('.') || isTypeOnly(node as ModuleReference))
        return
      context.report({ loc: source.loc ?? { line: 1, column: 0 }, message: source.value })
    }
    return { ImportDeclaration: visit, ExportNamedDeclaration: visit, ExportAllDeclaration: visit }
  },
}

function isTypeOnly({ importKind, exportKind, specifiers = [] }: ModuleReference): boolean {
  if (importKind === 'type' || exportKind === 'type') return true
  return specifiers.length > 0 && specifiers.every((specifier) => specifier.importKind === 'type')
}
