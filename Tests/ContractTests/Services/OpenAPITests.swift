import Contracts
import HTTPKit
import Kernel
import ServiceKit
import TestKit
import Testing

/// Each service's openapi.json says what its routes are, no more and no less.
@Suite struct OpenAPITests {
    /// Which credentials the prefix of an audience takes.
    private static let credentials: [String: Set<[String]>] = [
        "portal": [["memberToken"], ["secretKey"]],
        "sdk": [["publishableKey"], ["secretKey"]],
        "admin": [["staffToken"]],
        "me": [["participantToken"]],
        "public": [],
    ]

    private func document(_ service: EveryService) throws -> OpenAPIDocument {
        OpenAPIDocument(service.openAPI)
    }

    private func publicRoutes(_ service: EveryService) async throws -> [RouteDescription] {
        try await service.routes().filter {
            $0.audience != "internal" && !ServiceRoutes.operational.contains($0.template)
        }
    }

    @Test func `every service has a description`() {
        for service in EveryService.all { #expect(service.openAPI != nil, "\(service.name)") }
    }

    @Test(arguments: EveryService.all)
    func `the description is written in one way`(_ service: EveryService) throws {
        let bytes = try #require(service.openAPI)
        let root = try document(service).root
        #expect(root["openapi"]?.string == "3.1.0")
        #expect(root["info"]?["title"]?.string == service.service.executableName)
        #expect(
            String(decoding: bytes, as: UTF8.self) == CanonicalJSON.text(root) + "\n",
            "python3 -c 'import json; …' with indent=2, sort_keys=True, ensure_ascii=False")
    }

    @Test(arguments: EveryService.all)
    func `it describes every public route, and no other`(_ service: EveryService) async throws {
        let routes = Set(
            try await publicRoutes(service).map { "\($0.method.rawValue) \($0.template)" })
        let operations = Set(try document(service).operations.map(\.name))
        #expect(routes.subtracting(operations).sorted() == [], "described nowhere")
        #expect(operations.subtracting(routes).sorted() == [], "there is no such route")
    }

    @Test(arguments: EveryService.all)
    func `every operation says what it takes and what it answers`(
        _ service: EveryService
    ) async throws {
        let document = try document(service)
        let operations = document.operations
        let ids = operations.compactMap { $0.value["operationId"]?.string }
        #expect(ids.count == operations.count && Set(ids).count == ids.count)
        let routes = Dictionary(
            uniqueKeysWithValues: try await publicRoutes(service).map {
                ("\($0.method.rawValue) \($0.template)", $0)
            })
        for operation in operations {
            let route = try #require(routes[operation.name], "\(operation.name)")
            let summary = operation.value["summary"]?.string ?? ""
            #expect(!summary.isEmpty && !summary.hasSuffix("."), "\(operation.name)")
            let names = route.template.split(separator: "/").filter { $0.hasPrefix("{") }
                .map { String($0.dropFirst().dropLast()) }
            let described = document.parameters(of: operation, in: "path")
                .compactMap { $0["name"]?.string }
            #expect(described == names, "\(operation.name)")
            let body = operation.value["requestBody"]?["content"]?["application/json"]
            #expect((body?["schema"] != nil) == route.takesBody, "\(operation.name)")
            check(credentialsOf: operation, route, document)
            check(responsesOf: operation, document)
        }
    }

    @Test(arguments: EveryService.all)
    func `references resolve and everything is referred to`(_ service: EveryService) throws {
        let document = try document(service)
        #expect(document.references.subtracting(document.components).sorted() == [])
        #expect(document.components.subtracting(document.references).sorted() == [])
        #expect(document.impossibleSchemas == [])
        #expect(SchemaCheck(document).unknownKeywords == [])
    }

    private func check(
        credentialsOf operation: OpenAPIDocument.Operation, _ route: RouteDescription,
        _ document: OpenAPIDocument
    ) {
        let schemes = document.root["components"]?["securitySchemes"]?.object ?? [:]
        let security = operation.security
        for name in (security ?? []).flatMap(\.self) {
            #expect(schemes[name] != nil, "\(operation.name): \(name)")
        }
        if route.audience == "auth" {
            #expect(security?.isSubset(of: [["refreshCookie"], []]) == true, "\(operation.name)")
        } else {
            #expect(security == Self.credentials[route.audience], "\(operation.name)")
        }
    }

    private func check(
        responsesOf operation: OpenAPIDocument.Operation, _ document: OpenAPIDocument
    ) {
        let responses = operation.responses
        #expect(responses.keys.contains { $0.hasPrefix("2") || $0.hasPrefix("3") })
        #expect(responses["default"] != nil, "\(operation.name)")
        for (status, written) in responses {
            let response = document.resolved(written)
            #expect(response["description"]?.string?.isEmpty == false, "\(operation.name)")
            guard status == "default" || status.hasPrefix("4") || status.hasPrefix("5") else {
                continue
            }
            let schema = response["content"]?["application/problem+json"]?["schema"]
            #expect(
                schema?["$ref"]?.string == "#/components/schemas/Problem",
                "\(operation.name) \(status)")
        }
    }
}
