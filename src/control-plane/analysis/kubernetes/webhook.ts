// Injection webhooks: no pod may be selected by two of them, and the Services that they name must exist.
import { fullName, type AnalysisContext, type Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { INJECT_LABEL, INJECTION_LABEL, REVISION_LABEL } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import { labelSelectorMatches } from "#control-plane/registry/labels";
import type { LabelSelector, WebhookConfiguration, Written } from "#control-plane/analysis/specs";
import type { Labels } from "#control-plane/registry/labels";

type Webhook = NonNullable<NonNullable<Written<WebhookConfiguration>["webhooks"]>[number]>;

interface NamedWebhook {
  readonly name: string;
  readonly webhook: Webhook;
  readonly owner: ObjectOf<"MutatingWebhookConfiguration">;
}

export const webhookAnalyzer: Analyzer = {
  name: "webhook.Analyzer",
  description: "Injection webhooks do not overlap, and their Services exist",
  inputs: ["MutatingWebhookConfiguration", "Service"],
  analyze: (context) => {
    const webhooks: NamedWebhook[] = [];
    const revisions = new Set<string>();
    for (const owner of context.objects.list("MutatingWebhookConfiguration")) {
      const own = revisionsOf(owner);
      const all = (owner.spec.webhooks ?? []).filter((webhook) => webhook !== undefined);
      if (own.size === 0 && !all.some((webhook) => (webhook.name ?? "").endsWith("istio.io"))) continue;
      for (const revision of own) revisions.add(revision);
      for (const webhook of all) webhooks.push({ name: `${fullName(owner)}/${webhook.name ?? ""}`, webhook, owner });
    }
    checkOverlaps(context, webhooks, revisions);
    checkServices(context, webhooks);
  },
};

/** Every way in which namespaces and pods can ask for injection, for each revision. */
function* combinations(label: string, values: readonly string[], revisions: ReadonlySet<string>): Iterable<Labels> {
  const bases: Labels[] = [{}, ...values.map((value) => ({ [label]: value }))];
  yield* bases;
  for (const revision of revisions) for (const base of bases) yield { ...base, [REVISION_LABEL]: revision };
}

function checkOverlaps({ report }: AnalysisContext, webhooks: readonly NamedWebhook[], revisions: ReadonlySet<string>): void {
  for (const namespaceLabels of combinations(INJECTION_LABEL, ["enabled", "disabled"], revisions)) {
    const ofNamespace = webhooks.filter(({ webhook }) => labelSelectorMatches(webhook.namespaceSelector, namespaceLabels));
    if (ofNamespace.length < 2) continue;
    for (const podLabels of combinations(INJECT_LABEL, ["true", "false"], revisions)) {
      const matching = ofNamespace.filter(({ webhook }) => labelSelectorMatches(webhook.objectSelector, podLabels));
      const names = [...new Set(matching.map(({ name }) => name))].toSorted();
      if (names.length < 2) continue;
      for (const { name, owner } of matching) {
        const others = names.filter((other) => other !== name).join(", ");
        report(owner, MESSAGES.InvalidWebhook, [`the webhook overlaps with ${others}: pods may be injected twice`]);
      }
    }
  }
}

function checkServices({ objects, report }: AnalysisContext, webhooks: readonly NamedWebhook[]): void {
  for (const { webhook, owner } of webhooks) {
    const service = webhook.clientConfig?.service;
    if (service === undefined || objects.find("Service", service.namespace ?? "", service.name ?? "") !== undefined) continue;
    const name = `${service.namespace ?? ""}/${service.name ?? ""}`;
    report(owner, MESSAGES.InvalidWebhook, [`the webhook names the control plane's Service ${name}, which does not exist`]);
  }
}

function revisionsOf({ labels, spec }: ObjectOf<"MutatingWebhookConfiguration">): ReadonlySet<string> {
  const revisions = new Set<string>();
  const add = (revision: string | undefined): void => {
    if (revision !== undefined) revisions.add(revision);
  };
  const addFrom = (selector: Written<LabelSelector> | undefined): void => {
    add(selector?.matchLabels?.[REVISION_LABEL]);
    for (const expression of selector?.matchExpressions ?? []) if (expression?.key === REVISION_LABEL) expression.values?.forEach(add);
  };
  add(labels[REVISION_LABEL]);
  for (const webhook of spec.webhooks ?? []) {
    addFrom(webhook?.namespaceSelector);
    addFrom(webhook?.objectSelector);
  }
  return revisions;
}
