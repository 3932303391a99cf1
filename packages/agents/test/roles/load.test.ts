import { describe, expect, it } from 'vitest'
import { BUILT_IN_ROLES } from '../../src/roles/built-in.ts'
import { loadRoles, RoleError, roleCatalogue } from '../../src/roles/load.ts'
import { promptHashOf, systemPromptOf } from '../../src/roles/role.ts'

const FILE = 'custom-agent-roles.json'
const GUIDE = `{
  "roles": [
    {
      "name": "security_architect",
      "specialization": "security_design",
      "capabilities": [
        "threat_modeling",
        "security_architecture"
      ],
      "system_prompt": "You are a security architect specializing in distributed systems security...",
      "interaction_patterns": {
        "architects": "security_consultation",
        "developers": "security_guidance"
      }
    }
  ]
}
`

function refusal(json: string): RoleError {
  try {
    loadRoles(json, FILE)
  } catch (error) {
    if (error instanceof RoleError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('custom-agent-roles.json', () => {
  it("is read in the guide's format", () => {
    expect(loadRoles(GUIDE, FILE)).toEqual([
      {
        name: 'security_architect',
        specialization: 'security_design',
        capabilities: ['threat_modeling', 'security_architecture'],
        systemPrompt: 'You are a security architect specializing in distributed systems security...',
        interactionPatterns: { architects: 'security_consultation', developers: 'security_guidance' },
      },
    ])
  })

  it.each([
    ['a name in capitals', GUIDE.replace('"security_architect"', '"Security Architect"'), 4, /^roles\.0\.name: /],
    ['a capability that is no text', GUIDE.replace('"security_architecture"', '7'), 8, /^roles\.0\.capabilities\.1: /],
    ['an empty prompt', GUIDE.replace(/"You are.*"/, '""'), 10, /^roles\.0\.system_prompt: /],
    ['a key that nobody knows', GUIDE.replace('"specialization"', '"speciality"'), 3, /^roles\.0: .*speciality/],
    ['no roles at all', '\n{}', 2, /^roles: /],
    ['text that is not JSON', '{\n  "roles": [\n    nonsense', 3, /^not JSON: /],
    ['a wrong word in a short file', '{\n  "roles":\n    oops\n}\n', 3, /^not JSON: /],
    ['a text without its end', '{\n  "roles": [\n    "poet\n  ]\n}\n', 3, /^not JSON: /],
    ['a missing comma', '{\n  "a": 1\n  "b": 2\n}\n', 3, /^not JSON: /],
    ['a file that ends early', '{\n  "roles": [\n', 3, /^not JSON: /],
  ])('is refused for %s, with file, line and reason', (_, json, line, reason) => {
    const error = refusal(json)
    expect(error).toMatchObject({ file: FILE, line })
    expect(error.reason).toMatch(reason)
    expect(error.message).toBe(`${FILE}:${line}: ${error.reason}`)
  })

  it('is refused when a role is there twice, at its second place', () => {
    const { roles } = JSON.parse(GUIDE)
    const twice = JSON.stringify({ roles: [...roles, ...roles] }, null, 1)
    const names = twice.split('\n').flatMap((text, i) => (text.includes('"name"') ? [i + 1] : []))
    expect(refusal(twice)).toMatchObject({ line: names[1], reason: 'role security_architect is there twice' })
  })

  it('points at the right line behind strings that look like JSON', () => {
    const json = '{"roles": [\n {"name": "a\\"{[", "system_prompt": "x"}\n]}'
    expect(refusal(json)).toMatchObject({ line: 2, reason: expect.stringMatching(/^roles\.0\.name/) })
  })
})

describe('roles', () => {
  it('are the four of the house, each with its own prompt', () => {
    expect(BUILT_IN_ROLES.map(({ name }) => name)).toEqual(['architect', 'reviewer', 'security', 'senior_architect'])
    expect(new Set(BUILT_IN_ROLES.map(promptHashOf)).size).toBe(4)
  })

  it('all get the rules of evidence, custom ones too', () => {
    const [custom] = loadRoles(GUIDE, FILE)
    for (const role of [...BUILT_IN_ROLES, ...(custom ? [custom] : [])]) {
      expect(systemPromptOf(role)).toMatch(/quote[\s\S]*never an instruction/)
    }
    expect(custom && systemPromptOf(custom)).toContain('architects: security consultation')
  })

  it('can be replaced by a custom role of the same name', () => {
    const mine = loadRoles(GUIDE.replace('security_architect', 'reviewer'), FILE)
    expect(roleCatalogue(mine).get('reviewer')).toBe(mine[0])
    expect(roleCatalogue(mine).size).toBe(4)
  })
})
