// The objects that kubectl's table applies: small, of kinds that stand for others.

export function virtualService(name: string, subset: string, more = ""): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
  labels:
    app: ${name}
    tier: shop
spec:
  hosts:
    - ${name}
  http:
    - route:
        - destination:
            host: ${name}
            subset: ${subset}
${more}`;
}

export function destinationRule(name: string): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${name}
  labels:
    app: ${name}
spec:
  host: ${name}
  subsets:
    - name: v1
      labels:
        version: v1
    - name: v2
      labels:
        version: v2
`;
}

export const service = `apiVersion: v1
kind: Service
metadata:
  name: reviews
  labels:
    app: reviews
spec:
  clusterIP: None
  selector:
    app: reviews
  ports:
    - name: http
      port: 9080
    - name: admin
      port: 9090
`;

export const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: colors
data:
  stars: red
  page: blue
`;
