import neostandard, { plugins } from 'neostandard'

export default [
  { ignores: ['dist/**', '.tap/**'] },
  ...neostandard({ ts: true }),
  { files: ['src/**', 'config/**'], rules: { '@stylistic/max-len': ['error', { code: 120 }] } },
  {
    // A row of a table of cases stays one line, however long its texts are.
    files: ['test/**'],
    rules: {
      '@stylistic/max-len': ['error', {
        code: 120, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true
      }]
    }
  },
  {
    // Rules that need types: a promise nobody awaits is a lost error, an `any` is a lost check. Tests are left
    // out because tap's top-level `t.test` returns a promise on purpose.
    files: ['src/**/*.ts'],
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'no-void': ['error', { allowAsStatement: true }], // says that a result is left on purpose
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error'
    }
  }
]
