// The same request as one types it.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export const asCurl = (url, body) => `curl ${url} -d ${quoted(JSON.stringify(body))}`;

export const asPython = (url, body, part) => `import json, urllib.request

body = json.loads(${JSON.stringify(JSON.stringify(body))})
request = urllib.request.Request("${url}", json.dumps(body).encode())
print(json.load(urllib.request.urlopen(request))${part})`;
