import { describe, expect, it } from 'vitest';
import { parseRuleText } from './rule-loader.ts';
import { RulesInvalidError } from './rule-problem.ts';

function problemOf(when: string, on = 'exec'): string {
  const head = 'id: a-rule\ntitle: T\ndescription: D\nseverity: low\nsummary: S\nremediation: R\n';
  try {
    parseRuleText(`${head}on: ${on}\nwhen: |-\n  ${when}\n`, 'rule.yaml');
    return '';
  } catch (error) {
    if (!(error instanceof RulesInvalidError)) throw error;
    return error.message;
  }
}

describe('conditions that are never true', () => {
  it.each([
    [
      `process.executable.layer == 'writeable'`,
      'exec',
      /rule\.yaml:9:31: .* never "writeable" .*did you mean "writable"/,
    ],
    [`process.executable.layer in ['tmpfs', 'disk']`, 'exec', /9:41: .* never "disk"/],
    [`process.entry != 'exec-sesion'`, 'exec', /did you mean "exec-session"/],
    [`'CAP_SYSADMIN' in process.capabilities.effective`, 'exec', /did you mean "CAP_SYS_ADMIN"/],
    [`event.capabilityName == 'SYS_ADMIN'`, 'capability', /did you mean "CAP_SYS_ADMIN"/],
    [`event.state == 'open'`, 'tcp', /it can be established, failed, listening, accepted/],
    [`event.operation == 'unlink'`, 'file', /never "unlink"/],
    [`event.change == 'privilege-grown'`, 'integrity', /did you mean "privileges-grown"/],
    [`'mnt' in event.toHost`, 'namespace', /never "mnt"/],
    [`event.kind == 'execve'`, 'exec', /never "execve"/],
    [
      `process.program == 'sh' && process.hasTty && process.program == 'bash'`,
      'exec',
      /"sh" and "bash" at once .*"\|\|"/,
    ],
    [`process.program in ['sh', 'ash'] && process.program == 'bash'`, 'exec', /"sh" or "ash" and "bash" at once/],
    ['1 > 2', 'exec', /never true/],
  ])('%s', (when, on, problem) => {
    expect(problemOf(when, on)).toMatch(problem);
  });

  it.each([
    [`process.executable.layer in ['writable', 'tmpfs']`, 'exec'],
    [`event.state == 'accepted' && event.remoteScope == 'public'`, 'tcp'],
    [`event.transport == 'icmp'`, 'connect'],
    [`process.program == 'sh' || process.program == 'bash'`, 'exec'],
    [`process.program in ['sh', 'bash'] && process.program == 'bash'`, 'exec'],
    [`process.program == 'sh' && process.parent.program == 'bash'`, 'exec'],
    [`process.ancestors.exists(a, a.program == 'sh') && process.ancestors.exists(a, a.program == 'bash')`, 'exec'],
    [`'CAP_63' in process.capabilities.effective`, 'exec'],
    [`event.kind == 'connect' || event.kind == 'tcp'`, '[connect, tcp]'],
    [`container.labels.tier == 'anything'`, 'exec'],
    ['true', 'exec'],
  ])('leaves alone: %s', (when, on) => {
    expect(problemOf(when, on)).toBe('');
  });
});
