// The same request as one types it.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export const asCurl = (origin, body) => `curl ${origin}/v1/predict -d ${quoted(JSON.stringify(body))}`;

export const asPython = (origin, body) => `import json, urllib.request

body = json.loads(${JSON.stringify(JSON.stringify(body))})
request = urllib.request.Request("${origin}/v1/predict", json.dumps(body).encode())
print(json.load(urllib.request.urlopen(request))["records"])`;
