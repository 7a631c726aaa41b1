FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
RUN make build

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/penstock /penstock
USER 65534:65534
ENTRYPOINT ["/penstock"]
CMD ["run", "/etc/penstock/connectors.yaml"]
