# A client of the MAAS API with the gem oauth, signing as on MAAS's page on API authentication. Arguments: the URL of MAAS, the API
# key. For each line of JSON on stdin, a request, it makes the request and prints a line of JSON, the answer (see programs.ts).
require 'json'
require 'oauth'
require 'oauth/signature/plaintext'
require 'securerandom'

site, api_key = ARGV
consumer_key, key, secret = api_key.split(':')
consumer = OAuth::Consumer.new(consumer_key, '', { site: "#{site}/api/2.0", scheme: :header, signature_method: 'PLAINTEXT' })
access_token = OAuth::AccessToken.new(consumer, key, secret)

def multipart(fields, content)
  boundary = SecureRandom.hex(16)
  parts = fields.map { |name, value| "form-data; name=\"#{name}\"\r\n\r\n#{value}\r\n".b }
  parts << "form-data; name=\"file\"; filename=\"file.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n".b + content + "\r\n".b if content
  body = parts.map { |part| "--#{boundary}\r\nContent-Disposition: ".b + part }.join + "--#{boundary}--\r\n"
  [body, { 'Content-Type' => "multipart/form-data; boundary=#{boundary}" }]
end

puts 'ready'
$stdout.flush
$stdin.each_line do |line|
  call = JSON.parse(line)
  path = "/#{call['path']}"
  path += "?#{URI.encode_www_form(call['query'])}" if call['query']
  fields = call['fields'] || {}
  content = call['file'] && File.binread(call['file'])
  body = case call['method']
         when 'POST' then multipart(fields, content)
         when 'PUT' then [fields] # a Hash becomes a urlencoded form
         else []
         end
  response = access_token.request(call['method'].downcase.to_sym, path, *body)
  puts JSON.generate(status: response.code.to_i, body: [response.body.to_s].pack('m0'))
  $stdout.flush
end
