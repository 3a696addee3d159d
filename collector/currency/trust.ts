import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ImageFindings } from '../images/image-findings.ts';
import { type PapersChange, trustLost } from './paper-changes.ts';

const ruleId = 'image-trust-lost';

/** Tells when the signature of an image that runs does not hold any more, and when it does again. Never rejects. */
export async function tellOfTrust(
  change: PapersChange,
  findings: Pick<ImageFindings, 'report' | 'resolve'>,
  logger: Logger,
): Promise<void> {
  const { image, after } = change;
  const lost = trustLost(change);
  try {
    if (lost !== undefined) {
      const name = image.reference || image.configDigest;
      const summary = `${name} was signed, ${lost.from}, and is not any more: ${lost.to}, ${after.signature.reason}`;
      const fields = { 'signature.before': lost.from, 'signature.now': lost.to };
      await findings.report({ ruleId, image, summary, fields });
    } else if (after.signature.outcome === 'verified' && change.before?.signature.outcome !== 'verified')
      await findings.resolve(ruleId, image, `its signature holds again: ${after.signature.reason}`);
  } catch (error) {
    logger.error(
      { reason: errorText(error), image: image.reference },
      'the loss of an image’s trust could not be told',
    );
  }
}
