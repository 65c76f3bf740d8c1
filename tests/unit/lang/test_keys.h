// Keys and certificates that tests sign and read: made for them, and nobody's else.
#pragma once

namespace nightjar::lang::testing {

inline constexpr char kRsaPrivate[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXAIBAAKBgQDEy9LpnBP2TVVT8Zcbyqorb6SKRommt0whrDjRC5WWo9CWPexk\n"
    "/Sr3N80iPWst3ttR712TYPy8MCPaqbCNeoET8WR9/hLtoaKgwA0Nl8O0DcHdFtIz\n"
    "wcZpahjH2N52HUqvboBbsokiNPi/U/h0tMXXGDTB/yeXI9WVxHimvG0vAwIDAQAB\n"
    "AoGALtgVrGXqmoZt+T1YqtTjDNPWZtPDkFuxU5KbM6d+RA1aaWj0DFX3FEHEIpJc\n"
    "IN8bdbV0oNBFWMZcwoAB9qtibeGj2KZZeIFCDWsMTiAch+vIHn8XhcI96okXUVgn\n"
    "5j/0uxiEvRhqqtApf/cVCSDH1Ui9dA7GAbJmx7oCYn3F0YECQQDzRsBkxCvP7r3l\n"
    "CNSIeyOJ3nnlLbXblVIdp5IT5/m6qIbNoXFUc5p5GFZdX345FhgTozOYuTc8z0r1\n"
    "GeytPEsvAkEAzxa+vo6UODEmpQgCxIpWFuxoluS9isJXgwZwETegwLa4S81+gBcN\n"
    "dsBgBstfJpmXXHuNrKIXjzBmGo9by9aUbQJAVd33Mpn7TN1bsWe4fKPaG2OnarkD\n"
    "o4nE/iqTaOtMPhIV4qbFNaXINE3ezf5SsxuVS/ki0Rku4gvYzUJlQ5AwiQJAOApY\n"
    "reqZk6dBZPGJBjTFXUi2ePcHj/BNjEiGtTIPj3ci4miGrhUO8K7YjZ4lbqWrvzw0\n"
    "N55Zr8cSKmfXGI9F9QJBANrk3knvwaUhhgZJEgP2dChGt5v8kGIo/+9X8n9VkwAc\n"
    "YTGm4a1H72Al5IOOQgoaFIa2ee0RWFFOAXdOlKAGJx8=\n"
    "-----END RSA PRIVATE KEY-----\n";
inline constexpr char kRsaPrivate8[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMTL0umcE/ZNVVPx\n"
    "lxvKqitvpIpGiaa3TCGsONELlZaj0JY97GT9Kvc3zSI9ay3e21HvXZNg/LwwI9qp\n"
    "sI16gRPxZH3+Eu2hoqDADQ2Xw7QNwd0W0jPBxmlqGMfY3nYdSq9ugFuyiSI0+L9T\n"
    "+HS0xdcYNMH/J5cj1ZXEeKa8bS8DAgMBAAECgYAu2BWsZeqahm35PViq1OMM09Zm\n"
    "08OQW7FTkpszp35EDVppaPQMVfcUQcQiklwg3xt1tXSg0EVYxlzCgAH2q2Jt4aPY\n"
    "pll4gUINawxOIByH68gefxeFwj3qiRdRWCfmP/S7GIS9GGqq0Cl/9xUJIMfVSL10\n"
    "DsYBsmbHugJifcXRgQJBAPNGwGTEK8/uveUI1Ih7I4neeeUttduVUh2nkhPn+bqo\n"
    "hs2hcVRzmnkYVl1ffjkWGBOjM5i5NzzPSvUZ7K08Sy8CQQDPFr6+jpQ4MSalCALE\n"
    "ilYW7GiW5L2KwleDBnARN6DAtrhLzX6AFw12wGAGy18mmZdce42sohePMGYaj1vL\n"
    "1pRtAkBV3fcymftM3VuxZ7h8o9obY6dquQOjicT+KpNo60w+EhXipsU1pcg0Td7N\n"
    "/lKzG5VL+SLRGS7iC9jNQmVDkDCJAkA4Clit6pmTp0Fk8YkGNMVdSLZ49weP8E2M\n"
    "SIa1Mg+PdyLiaIauFQ7wrtiNniVupau/PDQ3nlmvxxIqZ9cYj0X1AkEA2uTeSe/B\n"
    "pSGGBkkSA/Z0KEa3m/yQYij/71fyf1WTABxhMabhrUfvYCXkg45CChoUhrZ57RFY\n"
    "UU4Bd06UoAYnHw==\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr char kRsaPublic[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDEy9LpnBP2TVVT8Zcbyqorb6SK\n"
    "Rommt0whrDjRC5WWo9CWPexk/Sr3N80iPWst3ttR712TYPy8MCPaqbCNeoET8WR9\n"
    "/hLtoaKgwA0Nl8O0DcHdFtIzwcZpahjH2N52HUqvboBbsokiNPi/U/h0tMXXGDTB\n"
    "/yeXI9WVxHimvG0vAwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
inline constexpr char kRsaPublic1[] =
    "-----BEGIN RSA PUBLIC KEY-----\n"
    "MIGJAoGBAMTL0umcE/ZNVVPxlxvKqitvpIpGiaa3TCGsONELlZaj0JY97GT9Kvc3\n"
    "zSI9ay3e21HvXZNg/LwwI9qpsI16gRPxZH3+Eu2hoqDADQ2Xw7QNwd0W0jPBxmlq\n"
    "GMfY3nYdSq9ugFuyiSI0+L9T+HS0xdcYNMH/J5cj1ZXEeKa8bS8DAgMBAAE=\n"
    "-----END RSA PUBLIC KEY-----\n";
inline constexpr char kRsaCertificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB/DCCAWWgAwIBAgIUaprIVW1JO+uQYZO+iY2VlkzCqtcwDQYJKoZIhvcNAQEL\n"
    "BQAwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjQxODE1MjBaGA8yMTI2MTAzMTE4\n"
    "MTUyMFowDzENMAsGA1UEAwwEdGVzdDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkC\n"
    "gYEAxMvS6ZwT9k1VU/GXG8qqK2+kikaJprdMIaw40QuVlqPQlj3sZP0q9zfNIj1r\n"
    "Ld7bUe9dk2D8vDAj2qmwjXqBE/Fkff4S7aGioMANDZfDtA3B3RbSM8HGaWoYx9je\n"
    "dh1Kr26AW7KJIjT4v1P4dLTF1xg0wf8nlyPVlcR4prxtLwMCAwEAAaNTMFEwHQYD\n"
    "VR0OBBYEFE/FO2cOqpylB+C/XO8izx3K+5O+MB8GA1UdIwQYMBaAFE/FO2cOqpyl\n"
    "B+C/XO8izx3K+5O+MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEA\n"
    "KeJXjpXpS4yciZdgPeTwGGYJ5t/mxcJ3I8kmZAx8Xvw9yprhkSUT7j9wpWtM2y3j\n"
    "snuEGXfJIpEBWcu6B37e2NiybMHhI4MVbXbS+tg9SNsqeOsGzrQEt55uKGhJS02t\n"
    "qf2V4m7qxaEbMgH7QjNdA7YN60EYAJ9iJKIEi4ajn6E=\n"
    "-----END CERTIFICATE-----\n";
inline constexpr char kEcCertificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcTCCARegAwIBAgIUD6f2Sl7ASGFFB7c6ZTDuk+j2ZJIwCgYIKoZIzj0EAwIw\n"
    "DTELMAkGA1UEAwwCZWMwIBcNMjYxMTI0MTgxNTIwWhgPMjEyNjEwMzExODE1MjBa\n"
    "MA0xCzAJBgNVBAMMAmVjMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwdy2BxDi\n"
    "HWmuNzy6HiFNsaAR4dCtX6lIzoDEhd6IUggImaw4F8KJ/BXft0dTg4BOWcNw6TVr\n"
    "+ELWRCvtSM3MR6NTMFEwHQYDVR0OBBYEFOeq6jkDVKr3ra6f7mfiHkmIjNsQMB8G\n"
    "A1UdIwQYMBaAFOeq6jkDVKr3ra6f7mfiHkmIjNsQMA8GA1UdEwEB/wQFMAMBAf8w\n"
    "CgYIKoZIzj0EAwIDSAAwRQIhAJtglogk/KY+UFIpT5AxthyWDKk9kFPPxStkK+Vf\n"
    "EqinAiALKGGaI142LtE96MjxiT/SDR4K5/Mpze6gFvvMy3wPHQ==\n"
    "-----END CERTIFICATE-----\n";
inline constexpr char kEcPublic[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwdy2BxDiHWmuNzy6HiFNsaAR4dCt\n"
    "X6lIzoDEhd6IUggImaw4F8KJ/BXft0dTg4BOWcNw6TVr+ELWRCvtSM3MRw==\n"
    "-----END PUBLIC KEY-----\n";
inline constexpr char kEdCertificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBMDCB46ADAgECAhRXxrFlh2Onu2of0rtYhvdUlLbBUTAFBgMrZXAwDTELMAkG\n"
    "A1UEAwwCZWQwIBcNMjYxMTI0MTgxNTIxWhgPMjEyNjEwMzExODE1MjFaMA0xCzAJ\n"
    "BgNVBAMMAmVkMCowBQYDK2VwAyEAkaRYVoCzs5yG9ldSIe7RbEgAmnq+WwDrdX+n\n"
    "s0MAE9WjUzBRMB0GA1UdDgQWBBRJ17XnZpO1kislF+Wf+kZ9fpQGPDAfBgNVHSME\n"
    "GDAWgBRJ17XnZpO1kislF+Wf+kZ9fpQGPDAPBgNVHRMBAf8EBTADAQH/MAUGAytl\n"
    "cANBAIkiacH1UhCIRjIJjM4uLuINLP8y0BfQ6Lu9DE7oFCBDRf4FXGvm88W/VUje\n"
    "Z7v1QIs2S2SUY1L8hoSW9MGl6gY=\n"
    "-----END CERTIFICATE-----\n";

}  // namespace nightjar::lang::testing
