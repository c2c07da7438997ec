import type { Random } from '../fuzz/random.js';

/** A rule that knows a secret: its name, and patterns of what it finds. */
export interface SecretRule {
  readonly name: string;
  readonly pattern: string;
  /** The name before the secret, where the secret has no shape of its own. */
  readonly label?: string;
}

/**
 * Secrets with a fixed beginning or a mark of their own, from their issuers' documentation. Each line is a rule's name and a pattern:
 * literals, and classes in brackets with a count; `|` at the top separates forms of which one is taken.
 */
const SHAPED = `
1password-secret-key A3-[A-Z0-9]{6}-[A-Z0-9]{11}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}|A3-[A-Z0-9]{6}-[A-Z0-9]{6}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}
1password-service-account-token ops_eyJlbWFpbCI6I[a-zA-Z0-9]{271}
adobe-client-secret p8e-[a-z0-9]{32}
age-secret-key AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}
airtable-personal-access-token pat[a-zA-Z0-9]{14}.[a-f0-9]{64}
alibaba-access-key-id LTAI[a-z0-9]{20}
anthropic-admin-api-key sk-ant-admin01-[a-zA-Z0-9_-]{93}AA
anthropic-api-key sk-ant-api03-[a-zA-Z0-9_-]{93}AA
artifactory-api-key AKCp[a-zA-Z0-9]{69}
artifactory-reference-token cmVmdGtuOjAxOj[a-zA-Z0-9]{52}
authress-service-client-access-key sc_[a-z0-9]{10}.[a-z0-9]{4}.acc_[a-z0-9-]{10}.[a-z0-9+/_=-]{40}
aws-access-token AKIA[A-Z2-7]{16}|ASIA[A-Z2-7]{16}|ABIA[A-Z2-7]{16}|ACCA[A-Z2-7]{16}
aws-bedrock-long-lived ABSKQmVkcm9ja0FQSUtleS[A-Za-z0-9+/]{109}=
aws-bedrock-short-lived bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t
azure-ad-client-secret [a-zA-Z0-9_]{3}[0-9]{1}Q~[a-zA-Z0-9_~.-]{31}[a-zA-Z0-9]{2}
azure-storage-key [A-Za-z0-9+/]{76}+ASt[A-Za-z0-9+/]{6}==
beamer-api-token b_[a-z0-9=_-]{44}
clickhouse-cloud-api-secret-key 4b1d[A-Za-z0-9]{38}
clojars-api-token CLOJARS_[a-z0-9]{60}
cloudflare-origin-ca-key v1.0-[a-f0-9]{24}-[a-f0-9]{146}
databricks-api-token dapi[a-f0-9]{32}|dapi[a-f0-9]{32}-[0-9]{1}
defined-networking-api-token dnkey-[a-z0-9=_-]{26}-[a-z0-9=_-]{52}
digitalocean-access-token doo_v1_[a-f0-9]{64}
digitalocean-pat dop_v1_[a-f0-9]{64}
digitalocean-refresh-token dor_v1_[a-f0-9]{64}
discord-bot-token M[TDjz]{1}[A-Za-z0-9]{22}.[A-Za-z0-9]{6}.[A-Za-z0-9_-]{38}
docker-pat dckr_pat_[A-Za-z0-9_-]{27}
doppler-api-token dp.pt.[a-z0-9]{43}
dropbox-short-lived-api-token sl.[a-z0-9=_-]{135}
duffel-api-token duffel_test_[a-z0-9_=-]{43}|duffel_live_[a-z0-9_=-]{43}
dynatrace-api-token dt0c01.[a-z0-9]{24}.[a-z0-9]{64}
easypost-api-token EZAK[a-z0-9]{54}
easypost-test-api-token EZTK[a-z0-9]{54}
endor-token endr+[A-Za-z0-9-]{16}
facebook-page-access-token EAAM[a-z0-9]{100}|EAAC[A-Za-z0-9]{118}
flutterwave-encryption-key FLWSECK_TEST[a-h0-9]{12}
flutterwave-public-key FLWPUBK_TEST-[a-h0-9]{32}-X
flutterwave-secret-key FLWSECK_TEST-[a-h0-9]{32}-X
flyio-access-token fo1_[\\w]{43}|fm2_[a-zA-Z0-9+/]{120}==
frameio-api-token fio-u-[a-z0-9=_-]{64}
freemius-secret-key sk_[a-zA-Z0-9]{29}
gcp-api-key AIza[\\w-]{35}
github-app-token ghu_[0-9a-zA-Z]{36}|ghs_[0-9a-zA-Z]{36}
github-fine-grained-pat github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}
github-oauth gho_[0-9a-zA-Z]{36}
github-pat ghp_[0-9a-zA-Z]{36}
github-refresh-token ghr_[0-9a-zA-Z]{36}
gitlab-cicd-job-token glcbt-[0-9a-zA-Z]{4}_[0-9a-zA-Z_-]{20}
gitlab-deploy-token gldt-[0-9a-zA-Z_-]{20}
gitlab-feature-flag-client-token glffct-[0-9a-zA-Z_-]{20}
gitlab-feed-token glft-[0-9a-zA-Z_-]{20}
gitlab-incoming-mail-token glimt-[0-9a-zA-Z_-]{25}
gitlab-kubernetes-agent-token glagent-[0-9a-zA-Z_-]{50}
gitlab-oauth-app-secret gloas-[0-9a-zA-Z_-]{64}
gitlab-pat glpat-[\\w-]{20}
gitlab-pat-routable glpat-[0-9a-zA-Z_-]{27}.[0-9a-z]{2}[0-9a-z]{7}
gitlab-ptt glptt-[0-9a-f]{40}
gitlab-rrt GR1348941[\\w-]{20}
gitlab-runner-authentication-token glrt-[0-9a-zA-Z_-]{20}
gitlab-runner-authentication-token-routable glrt-t[0-9]{1}_[0-9a-zA-Z_-]{27}.[0-9a-z]{9}
gitlab-scim-token glsoat-[0-9a-zA-Z_-]{20}
gitlab-session-cookie _gitlab_session=[0-9a-z]{32}
gocardless-api-token live_[a-z0-9=_-]{40}
grafana-api-key eyJrIjoi[A-Za-z0-9]{71}
grafana-cloud-api-token glc_eyJvIjoi[A-Za-z0-9]{83}
grafana-service-account-token glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}
harness-api-key pat.[a-zA-Z0-9_-]{22}.[0-9a-f]{24}.[a-zA-Z0-9]{20}
hashicorp-tf-api-token [a-zA-Z0-9]{14}.atlasv1.[a-z0-9=_-]{66}
heroku-api-key-v2 HRKU-AA[0-9a-zA-Z_-]{58}
huggingface-access-token hf_[a-zA-Z]{34}
huggingface-organization-api-token api_org_[a-zA-Z]{34}
infracost-api-token ico-[a-zA-Z0-9]{32}
intra42-client-secret s-s4t2ud-[abcdef0123456789]{64}|s-s4t2af-[abcdef0123456789]{64}
jwt eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI[A-Za-z0-9_-]{40}.[A-Za-z0-9_-]{43}
jwt-base64 ZXlKaGJHY2lPaUpJVXpJMU5pSXNJblI1Y0NJNklrcFhWQ0o5LmV5SnpkV0lpT2lJ[A-Za-z0-9]{80}
kubernetes-service-account eyJhbGciOiJSUzI1NiIsImtpZCI6I[A-Za-z0-9_-]{40}.eyJpc3MiOiJrdWJlcm5ldGVz[A-Za-z0-9_-]{40}.[A-Za-z0-9_-]{80}
linear-api-key lin_api_[a-z0-9]{40}
mailgun-private-api-token key-[a-f0-9]{32}
mailgun-pub-key pubkey-[a-f0-9]{32}
mailchimp-api-key [0-9a-f]{32}-us[0-9]{2}
mapbox-api-token pk.[a-z0-9]{60}.[a-z0-9]{22}
maxmind-license-key [A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk
new-relic-browser-api-token NRJS-[a-f0-9]{19}
new-relic-insert-key NRII-[a-z0-9-]{32}
new-relic-user-api-key NRAK-[a-z0-9]{27}
notion-api-token ntn_[0-9]{11}[A-Za-z0-9]{35}
npm-access-token npm_[a-z0-9]{36}
nuget-api-key oy2[a-z0-9]{43}
octopus-deploy-api-key API-[A-Z0-9]{26}
okta-access-token 00[\\w=-]{40}
openai-api-key sk-[a-zA-Z0-9]{20}T3BlbkFJ[a-zA-Z0-9]{20}|sk-proj-[A-Za-z0-9_-]{74}T3BlbkFJ[A-Za-z0-9_-]{74}
openshift-user-token sha256~[\\w-]{43}
perplexity-api-key pplx-[a-zA-Z0-9]{48}
plaid-api-token access-sandbox-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|access-production-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
planetscale-api-token pscale_tkn_[\\w=.-]{32}
planetscale-oauth-token pscale_oauth_[\\w=.-]{48}
planetscale-password pscale_pw_[\\w=.-]{60}
postman-api-token PMAK-[a-f0-9]{24}-[a-f0-9]{34}
prefect-api-token pnu_[a-zA-Z0-9]{36}
private-key -----BEGIN RSA PRIVATE KEY-----\\n[A-Za-z0-9+/]{64}\\n[A-Za-z0-9+/]{64}\\n-----END RSA PRIVATE KEY-----
pulumi-api-token pul-[a-f0-9]{40}
pypi-upload-token pypi-AgEIcHlwaS5vcmc[\\w-]{90}
readme-api-token rdme_[a-z0-9]{70}
rubygems-api-token rubygems_[a-f0-9]{48}
scalingo-api-token tk-us-[\\w-]{48}
sendgrid-api-token SG.[a-z0-9=_.-]{66}
sendinblue-api-token xkeysib-[a-f0-9]{64}-[a-z0-9]{16}
sentry-org-token sntrys_eyJpYXQiOjE2OTAwMDAwMDAuMSwidXJsIjoiaHR0cHM6Ly9zZW50cnkuaW8iLCJvcmciOiJ[A-Za-z0-9+/]{10}==_[A-Za-z0-9+/]{43}
sentry-user-token sntryu_[a-f0-9]{64}
settlemint-application-access-token sm_aat_[a-zA-Z0-9]{16}
settlemint-personal-access-token sm_pat_[a-zA-Z0-9]{16}
settlemint-service-access-token sm_sat_[a-zA-Z0-9]{16}
shippo-api-token shippo_live_[a-fA-F0-9]{40}|shippo_test_[a-fA-F0-9]{40}
shopify-access-token shpat_[a-fA-F0-9]{32}
shopify-custom-access-token shpca_[a-fA-F0-9]{32}
shopify-private-app-access-token shppa_[a-fA-F0-9]{32}
shopify-shared-secret shpss_[a-fA-F0-9]{32}
slack-app-token xapp-[0-9]{1}-A[A-Z0-9]{8}-[0-9]{10}-[a-z0-9]{24}
slack-bot-token xoxb-[0-9]{12}-[0-9]{12}-[a-zA-Z0-9]{24}|xoxb-[0-9]{12}-[0-9]{12}
slack-config-access-token xoxe.xoxp-1-[A-Z0-9]{164}
slack-config-refresh-token xoxe-1-[A-Z0-9]{146}
slack-legacy-bot-token xoxb-[0-9]{10}-[a-zA-Z0-9]{20}
slack-legacy-token xoxp-[0-9]{10}-[0-9]{10}-[0-9]{10}-[a-f0-9]{24}|xoxs-[0-9]{9}-[0-9]{9}-[a-f0-9]{10}
slack-legacy-workspace-token xoxa-[0-9a-zA-Z]{14}|xoxr-2-[0-9a-zA-Z]{30}
slack-user-token xoxp-[0-9]{12}-[0-9]{12}-[a-zA-Z0-9]{30}|xoxe-[0-9]{12}-[0-9]{12}-[a-zA-Z0-9]{32}
slack-webhook-url https://hooks.slack.com/services/T[A-Z0-9]{8}/B[A-Z0-9]{8}/[A-Za-z0-9]{24}
sonar-api-token squ_[a-f0-9]{40}
sourcegraph-access-token sgp_[a-f0-9]{16}_[a-f0-9]{40}
square-access-token EAAA[\\w-]{60}|sq0atp-[\\w-]{22}
stripe-access-token sk_live_[a-zA-Z0-9]{24}|rk_test_[a-zA-Z0-9]{99}
sumologic-access-id su[a-zA-Z0-9]{12}
telegram-bot-api-token [1-9]{1}[0-9]{8}:AA[\\w-]{33}
twilio-api-key SK[0-9a-f]{32}
twitter-bearer-token AAAAAAAAAAAAAAAAAAAAAA[A-Za-z0-9%]{90}
typeform-api-token tfp_[a-z0-9=_.-]{59}
vault-batch-token hvb.[\\w-]{150}
vault-service-token hvs.[\\w-]{95}|s.[a-zA-Z0-9]{24}
yandex-access-token t1.[A-Z0-9a-z_-]{20}=.[A-Z0-9a-z_-]{86}=
yandex-api-key AQVN[A-Za-z0-9_-]{36}
yandex-aws-access-token YC[a-zA-Z0-9_-]{38}
browserbase bb_live_[A-Za-z0-9_-]{27}
cerebras csk-[a-z0-9]{48}
cursor key_[a-f0-9]{64}
daytona dtn_[a-f0-9]{64}
e2b e2b_[a-f0-9]{40}
elevenlabs sk_[a-f0-9]{48}
firecrawl fc-[a-f0-9]{32}
fireworks fw_[A-Za-z0-9]{24}
google-oauth-client-secret GOCSPX-[A-Za-z0-9_-]{28}
google-oauth-refresh-token 1//0[A-Za-z0-9_-]{80}
google-oauth-token ya29.[A-Za-z0-9_-]{150}
groq gsk_[A-Za-z0-9]{52}
helicone sk-helicone-[a-z0-9]{7}-[a-z0-9]{7}-[a-z0-9]{7}-[a-z0-9]{7}
jina jina_[a-f0-9]{32}[A-Za-z0-9_-]{28}
langfuse sk-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
langsmith lsv2_pt_[a-f0-9]{32}_[a-f0-9]{10}
llamacloud llx-[A-Za-z0-9]{48}
nvidia nvapi-[A-Za-z0-9_-]{64}
openai-session sess-[A-Za-z0-9]{40}
openai-service-account sk-svcacct-[A-Za-z0-9_-]{120}
openrouter sk-or-v1-[a-f0-9]{64}
pinecone pcsk_[A-Za-z0-9]{5}_[A-Za-z0-9]{62}
posthog phx_[A-Za-z0-9]{43}
replicate r8_[A-Za-z0-9]{37}
resend re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}
runpod rpa_[A-Z0-9]{46}
supabase sbp_[a-f0-9]{40}
tavily tvly-dev-[A-Za-z0-9]{32}
together tgp_v1_[A-Za-z0-9_-]{43}
vercel-ai-gateway vck_[A-Za-z0-9]{56}
vercel-blob vercel_blob_rw_[A-Za-z0-9]{16}_[A-Za-z0-9]{30}
voyage pa-[A-Za-z0-9_-]{43}
wandb wandb_v1_[A-Za-z0-9_]{77}
xai xai-[A-Za-z0-9]{80}
basic-header Basic [A-Za-z0-9]{24}==
bearer-header Bearer [A-Za-z0-9_-]{40}
url-password postgres://admin:[A-Za-z0-9]{16}@db.example.com:5432/main
`;

/** Secrets that only a name before them shows: the name, and a pattern. */
const NAMED = `
adafruit_api_key [a-z0-9_-]{32}
adobe_client_secret [a-f0-9]{32}
airtable_api_key [a-z0-9]{17}
algolia_api_key [a-z0-9]{32}
ALIBABA_SECRET_KEY [a-z0-9]{30}
asana_client_secret [a-z0-9]{32}
atlassian_api_token [a-z0-9]{24}
aws_secret_access_key [A-Za-z0-9+/]{40}
bitbucketClientSecret [a-z0-9=_-]{64}
bittrex_secret_key [a-z0-9]{32}
cisco_meraki_api_key [0-9a-f]{40}
CLOUDFLARE_API_KEY [a-z0-9_-]{40}
codecov-access-token [a-z0-9]{32}
CO_API_KEY [a-zA-Z0-9]{40}
coinbase_access_token [a-z0-9_-]{64}
confluent_secret_key [a-z0-9]{64}
contentfulDeliveryApiToken [a-z0-9=_-]{43}
DD_API_KEY [a-f0-9]{32}
discord_client_secret [a-z0-9=_-]{32}
droneciAccessToken [a-z0-9]{32}
dropbox_api_secret [a-z0-9]{15}
etsy_access_token [a-z0-9]{24}
facebook_app_secret [a-f0-9]{32}
FASTLY_API_TOKEN [a-z0-9=_-]{32}
finicity_client_secret [a-z0-9]{20}
finnhub_token [a-z0-9]{20}
flickr_access_token [a-z0-9]{32}
freshbooksAccessToken [a-z0-9]{64}
gitter-access-token [a-z0-9_-]{40}
HEROKU_API_KEY [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
hubspot_api_key [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
intercom_api_key [a-z0-9=_-]{60}
jfrog_api_key [a-z0-9]{73}
krakenAccessToken [a-z0-9/=_+-]{80}
kucoin_access_token [a-f0-9]{24}
launchdarkly_access_token [a-z0-9=_-]{40}
linear_client_secret [a-f0-9]{32}
linkedin_client_secret [a-z0-9]{16}
looker_client_secret [a-z0-9]{24}
mattermost_access_token [a-z0-9]{26}
messagebird_api_token [a-z0-9]{25}
netlify_access_token [a-z0-9=_-]{40}
nytimes_access_token [a-z0-9=_-]{32}
plaid_secret_key [a-z0-9]{30}
privateai_api_key [a-z0-9]{32}
rapidapi-access-token [a-z0-9_-]{50}
sendbird_access_token [a-f0-9]{40}
snyk_token [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
squarespace_access_token [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
sumologic_access_token [a-z0-9]{64}
travisci_access_token [a-z0-9]{22}
trello_access_token [a-zA-Z0-9]{32}
twitch_api_token [a-z0-9]{30}
twitter_api_secret [a-z0-9]{50}
zendesk_secret_key [a-z0-9]{40}
deepgram_api_key [a-f0-9]{40}
MISTRAL_API_KEY [a-zA-Z0-9]{32}
db_password [a-zA-Z0-9!#%*+?@^_~-]{16}
`;

function linesOf(text: string): [string, string][] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const blank = line.indexOf(' ');
      return [line.slice(0, blank), line.slice(blank + 1)];
    });
}

export const SHAPED_RULES: readonly SecretRule[] = linesOf(SHAPED).map(([name, pattern]) => ({ name, pattern }));
export const NAMED_RULES: readonly SecretRule[] = linesOf(NAMED).map(([label, pattern]) => ({
  name: `named ${label}`,
  pattern,
  label,
}));

const ITEM = /\[((?:\\.|[^\]\\])+)\]\{(\d+)\}|\\n|[\s\S]/g;

/** Makes a secret of a rule, and lists its random parts, none of which may be in anything that is kept. */
export function makeSecret(rule: SecretRule, random: Random): { text: string; needles: string[] } {
  const form = random.pick(rule.pattern.split('|'));
  const needles: string[] = [];
  let text = '';
  for (const [item, characters, count] of form.matchAll(ITEM)) {
    if (characters === undefined) text += item === '\\n' ? '\n' : item;
    else {
      const part = random.text(expand(characters), Number(count));
      text += part;
      if (part.length >= SHORTEST_NEEDLE) needles.push(part);
    }
  }
  return { text, needles: needles.length > 0 ? needles : [text] };
}

/** Shorter parts are in other texts by chance. */
const SHORTEST_NEEDLE = 6;

function expand(characters: string): string {
  return characters.replace('\\w', 'A-Za-z0-9_').replace(/(.)-(.)/g, (_match, from: string, to: string) => {
    let range = '';
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) range += String.fromCharCode(code);
    return range;
  });
}
