FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
RUN make build && install -d -m 1777 root/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/penstock /penstock
# /tmp, where rows that do not fit into memory go
COPY --from=build /src/root /
USER 65534:65534
ENTRYPOINT ["/penstock"]
CMD ["run", "/etc/penstock/connectors.yaml"]
