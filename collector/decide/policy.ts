import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { CodedError, errorText } from '../../common/errors.ts';
import type { PolicyDocument } from './policy-schema.ts';
import { parsePolicyText } from './policy-text.ts';

/** What decide needs of a policy file. */
export interface Policy extends PolicyDocument {
  /** "<name>@<first 12 of the SHA-256 of the policy file>" */
  policyVersion: string;
}

export type PolicyErrorCode = 'policy-unreadable' | 'policy-too-large' | 'policy-invalid';

const maxPolicyBytes = 1024 * 1024;
const defaultPolicyUrl = new URL('./default-policy.yaml', import.meta.url);

/** The shipped policy. */
export function loadDefaultPolicy(): Policy {
  return withVersion(defaultDocument(), readFileSync(defaultPolicyUrl, 'utf8'));
}

function defaultDocument(): PolicyDocument {
  return parsePolicyText(readFileSync(defaultPolicyUrl, 'utf8'), 'default-policy.yaml', undefined);
}

/**
 * Reads a policy file and lays it over the shipped policy.
 *
 * @throws CodedError<PolicyErrorCode>, with every problem of the file at once: file, line, path, what was expected. The
 *   caller keeps the policy it has.
 */
export function loadPolicy(path: string): Policy {
  let text: string;
  try {
    const size = statSync(path).size;
    if (size > maxPolicyBytes)
      throw new CodedError('policy-too-large', `policy ${path} has ${size} bytes, at most ${maxPolicyBytes} are read`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('policy-unreadable', `policy ${path} cannot be read: ${errorText(error)}`, { cause: error });
  }
  return withVersion(parsePolicyText(text, path, defaultDocument()), text);
}

function withVersion(document: PolicyDocument, text: string): Policy {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { ...document, policyVersion: `${document.name}@${hash}` };
}
