import { type ASTNode, type Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';

/** Longer patterns are refused; RE2 expands repetitions, so its program grows with them. */
const maxPatternLength = 1_000;

/** What the CEL library hands to a macro's hooks; not part of its type declarations. */
interface MacroChecker {
  check(ast: ASTNode, context: unknown): { name: string };
  getType(name: string): unknown;
}
interface MacroEvaluator {
  run(ast: ASTNode, context: unknown): unknown;
}
interface MacroInput {
  ast: ASTNode;
  args: ASTNode[];
  receiver: ASTNode;
}

/**
 * Replaces CEL's `text.matches(pattern)`, which would run JavaScript's backtracking engine over bytes an attacker chose.
 * RE2 (https://github.com/google/re2/wiki/Syntax), the engine CEL's specification names, needs time linear in the text. The
 * pattern must be a literal: it is compiled once, and a broken one is an error of the rule, with its position.
 *
 * The macro is declared for receivers of type bool because the library allows no second `string.matches`; macros are looked
 * up by name alone, so this one takes every call, and checks the receiver's type itself.
 */
export function registerSafeMatches(environment: Environment): void {
  environment.registerFunction('bool.matches(ast): bool', expandMatches);
}

function expandMatches(input: MacroInput): object {
  const { receiver } = input;
  const pattern = compilePattern(input.args[0]);
  return {
    typeCheck(checker: MacroChecker, _macro: unknown, context: unknown): unknown {
      const type = checker.check(receiver, context).name;
      if (type !== 'string') {
        throw new ParseError({
          code: 'no_matching_overload',
          message: `matches() needs a text, not ${type}`,
          node: input.ast,
        });
      }
      return checker.getType('bool');
    },
    evaluate(evaluator: MacroEvaluator, _macro: unknown, context: unknown): boolean {
      const text = evaluator.run(receiver, context);
      if (typeof text === 'string') return pattern.matcher(text).find();
      throw new EvaluationError({ code: 'no_matching_overload', message: 'matches() needs a text', node: input.ast });
    },
  };
}

function compilePattern(node: ASTNode | undefined): RE2JS {
  if (node?.op !== 'value' || typeof node.args !== 'string') {
    throw new ParseError({
      code: 'invalid_regular_expression',
      message: 'the pattern of matches() must be a literal text',
      node,
    });
  }
  try {
    return compileRegularExpression(node.args);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ParseError({
      code: 'invalid_regular_expression',
      message: `the pattern is not valid RE2: ${reason}`,
      node,
    });
  }
}

/** @throws Error when the pattern is too long or not valid RE2 (backreferences and lookaround are not). */
export function compileRegularExpression(pattern: string): RE2JS {
  if (pattern.length > maxPatternLength) throw new Error(`longer than ${maxPatternLength} characters`);
  return RE2JS.compile(pattern);
}
