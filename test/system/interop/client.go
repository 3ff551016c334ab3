// A client of the MAAS API with the library of Juju. Arguments: the URL of MAAS, the API key. It logs in as Juju does; then, for
// each line of JSON on stdin, a request, it makes the request and prints a line of JSON, the answer (see programs.ts).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"

	"github.com/juju/gomaasapi"
)

type call struct {
	Method, Path, File string
	Query, Fields      map[string]string
}

type answer struct {
	Status int    `json:"status"`
	Body   []byte `json:"body"`
}

// statusNoter keeps the status of the last answer, which the library tells of errors only.
type statusNoter struct{ status int }

func (noter *statusNoter) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		noter.status = response.StatusCode
	}
	return response, err
}

func values(pairs map[string]string) url.Values {
	all := url.Values{}
	for name, value := range pairs {
		all.Set(name, value)
	}
	return all
}

func send(client *gomaasapi.Client, asked call) ([]byte, error) {
	uri := &url.URL{Path: asked.Path}
	query := values(asked.Query)
	op := query.Get("op")
	query.Del("op")
	switch asked.Method {
	case "GET":
		return client.Get(uri, op, query)
	case "POST":
		files := map[string][]byte{} // without files the library sends another kind of form
		if asked.File != "" {
			content, err := os.ReadFile(asked.File)
			if err != nil {
				return nil, err
			}
			files["file"] = content
		}
		return client.Post(uri, op, values(asked.Fields), files)
	case "PUT":
		return client.Put(uri, values(asked.Fields))
	default:
		return nil, client.Delete(uri)
	}
}

func main() {
	site, key := os.Args[1], os.Args[2]
	if _, err := gomaasapi.NewController(gomaasapi.ControllerArgs{BaseURL: site, APIKey: key}); err != nil {
		log.Fatal(err)
	}
	client, err := gomaasapi.NewAuthenticatedClient(gomaasapi.AddAPIVersionToURL(site, "2.0"), key)
	if err != nil {
		log.Fatal(err)
	}
	noter := &statusNoter{}
	client.HTTPClient = &http.Client{Transport: noter}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked call
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		body, err := send(client, asked)
		if refusal, ok := gomaasapi.GetServerError(err); ok {
			body = []byte(refusal.BodyMessage)
		} else if err != nil {
			log.Fatal(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer{noter.status, body}); err != nil {
			log.Fatal(err)
		}
	}
}
