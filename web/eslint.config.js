// typescript-eslint strict with types, the rules of hooks, and the console's own house rules.
import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["node_modules/", "dist/", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  ...ts.configs.stylisticTypeChecked,
  hooks.configs.flat.recommended,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // An empty text means none: `||` says so.
      "@typescript-eslint/prefer-nullish-coalescing": ["error", { ignorePrimitives: { string: true } }],
      "max-lines": ["error", { max: 450, skipBlankLines: true }],
      "no-console": "error",
      // A desk never stops for a dialog: conflicts and results are told in the command bar.
      "no-restricted-globals": ["error", "alert", "confirm", "prompt"],
      "no-restricted-syntax": [
        "error",
        { selector: "JSXOpeningElement[name.name='dialog']", message: "No modal dialogs." },
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "No raw HTML." },
      ],
    },
  },
  { files: ["**/*.js"], ...ts.configs.disableTypeChecked },
);
